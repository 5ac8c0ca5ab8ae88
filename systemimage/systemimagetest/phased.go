package systemimagetest

// setPhasedPercentage is the program set-phased-percentage. It takes no lock.
func (p *process) setPhasedPercentage() error {
	a, err := p.parseArgs()
	if err != nil {
		return err
	}
	if a.count["verbose"] == 0 && p.era != 2016 {
		return raise("TypeError", "'>' not supported between instances of 'NoneType' and 'int'")
	}
	p.verbosity(a.count["verbose"])
	if err := p.loadConfig(); err != nil {
		return err
	}
	if err := p.openTree(); err != nil {
		return err
	}
	channels, err := p.channels()
	if err != nil {
		return err
	}
	channel, name, number, percentage := a.text["CHANNEL"], a.text["DEVICE"], a.num["VERSION"], a.num["PERCENTAGE"]
	if _, ok := channels[channel]; !ok {
		return p.usageError("Invalid channel: %s", channel)
	}
	target, ok := devicesOf(channels, channel)[name].(object)
	switch {
	case !ok:
		return p.usageError("Invalid device for source channel: %s", name)
	case percentage < 0 || percentage > 100:
		return p.usageError("Invalid value: %d", percentage)
	case isAlias(channels, channel):
		return p.usageError("Channel is an alias.")
	case isRedirect(channels[channel]):
		return p.usageError("Channel is a redirect.")
	case isRedirect(target):
		return p.usageError("Target device is a redirect. Use original channel %s instead.", text(target, "redirect"))
	}
	d, err := p.device(channel, name)
	if err != nil {
		return err
	}
	p.info("Setting phased-percentage of '%d' to %d%%", number, percentage)
	if err := d.setPercentage(number, percentage); err != nil {
		return err
	}
	p.info("Syncing any existing alias")
	if err := p.syncAliases(channel); err != nil {
		return err
	}
	p.info("Triggering a mirror sync")
	p.syncMirrors()
	return nil
}

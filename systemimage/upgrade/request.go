package upgrade

import (
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/systemimage"
)

// A Request is a device that asks for an update.
type Request struct {
	Build    int    // version it runs; 0 after a flash without one or a switch of channels
	Filter   string // "" for all paths, Full or Delta for paths of one kind only, as on its command line
	MaxImage int    // cap on versions, applied to the winner; 0 is none

	// Draw gives the device's number from 0 to 100 for a target version; see
	// package phasing. nil is a device with number 0, which is the first to be
	// reached by any percentage above 0.
	Draw func(target int) int
}

// A Device is what a device knows of itself: its channel.ini and machine id.
type Device struct {
	Channel    string // channel it is configured for
	Target     string // channel_target; the server writes it for alias channels only
	Build      int    // version it runs
	BuildGiven bool   // Build was given on the command line, so a switch does not reset it
	MachineID  string // its /etc/machine-id
}

// Request tells what a device asks for, given channels.json: a channel whose
// alias differs from the target of the installed image is a switch of channels
// and counts from build 0, and alias or target, not the name of the channel,
// stand in the seed of its number.
func (in Device) Request(cs systemimage.Channels) Request {
	alias := cs[in.Channel].Alias
	q := Request{Build: in.Build}
	if alias != "" && in.Target != "" && alias != in.Target && !in.BuildGiven {
		q.Build = 0
	}
	channel := phasing.SeedChannel(alias, in.Target)
	q.Draw = func(target int) int { return phasing.Draw(channel, target, in.MachineID) }
	return q
}

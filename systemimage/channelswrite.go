package systemimage

import "encoding/json"

// UnmarshalJSON reads a channels.json by the rules of devices: one channel
// without "devices" or with an odd "hidden" makes the whole document
// unusable. Names that trip devices up ("self", "keys") are read like any
// other. Errors are ErrMalformed with line and column, which json.Unmarshal hides
// where the text is no JSON at all.
func (cs *Channels) UnmarshalJSON(data []byte) error {
	list, err := parseChannels(data)
	if err == nil {
		*cs = list
	}
	return err
}

// MarshalJSON writes ch as it stands in channels.json.
func (ch Channel) MarshalJSON() ([]byte, error) {
	o := newObject(ch.Unknown)
	o["devices"] = ch.Devices
	if ch.Devices == nil {
		o["devices"] = object{}
	}
	o.setIf("alias", ch.Alias, ch.Alias == "")
	o.setIf("redirect", ch.Redirect, ch.Redirect == "")
	o.setIf("hidden", ch.Hidden, !ch.Hidden)
	return json.Marshal(o)
}

// UnmarshalJSON reads one channel.
func (ch *Channel) UnmarshalJSON(data []byte) error { return parse("parse channel", data, ch.scan) }

// MarshalJSON writes d as it stands in channels.json.
func (d Device) MarshalJSON() ([]byte, error) {
	o := newObject(d.Unknown)
	o.setIf("index", d.Index, d.Index == "")
	o.setIf("redirect", d.Redirect, d.Redirect == "")
	o.setIf("keyring", d.Keyring, d.Keyring == nil)
	return json.Marshal(o)
}

// UnmarshalJSON reads one device of a channel.
func (d *Device) UnmarshalJSON(data []byte) error { return parse("parse device", data, d.scan) }

// MarshalJSON writes k as it stands in channels.json.
func (k DeviceKeyring) MarshalJSON() ([]byte, error) {
	o := newObject(k.Unknown)
	o.setIf("path", k.Path, k.Path == "")
	o.setIf("signature", k.Signature, k.Signature == "")
	return json.Marshal(o)
}

// UnmarshalJSON reads where a device keyring is published.
func (k *DeviceKeyring) UnmarshalJSON(data []byte) error {
	return parse("parse device keyring", data, k.scan)
}

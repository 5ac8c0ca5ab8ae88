package systemimage

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// Channels is a channels.json: all channels of a server by name. Names contain
// slashes, dots and hyphens and mean nothing by themselves.
type Channels map[string]Channel

// A Channel is one entry of channels.json. Fields that this package does not
// know are in Unknown and written back; see [Index] on useless values.
type Channel struct {
	Devices  map[string]Device
	Alias    string // the target of an alias channel
	Redirect string // the target of a redirect channel; Devices is a copy of the target's
	Hidden   bool   // not shown in the client's list

	Unknown map[string]json.RawMessage // fields that this package does not know; see [Index]
}

// A Device is one device of a channel.
type Device struct {
	Index    string         // URL path of index.json from the root of the tree
	Keyring  *DeviceKeyring // keyring of the device itself, or nil
	Redirect string         // channel that really holds this device

	Unknown map[string]json.RawMessage // fields that this package does not know; see [Index]
}

// A DeviceKeyring says where the keyring of a device is published.
type DeviceKeyring struct {
	Path, Signature string // URL paths

	Unknown map[string]json.RawMessage // fields that this package does not know; see [Index]
}

// Kinds of a channel.
const (
	KindChannel  = "channel"  // has images of its own
	KindAlias    = "alias"    // has images of its own that follow those of another
	KindRedirect = "redirect" // has the index paths of another
)

// Kind tells whether the server treats the channel called name as a plain
// channel, an alias or a redirect; "" when there is none. A channel that is
// its own alias is a plain one.
func (cs Channels) Kind(name string) string {
	switch c, ok := cs[name]; {
	case !ok:
		return ""
	case c.Redirect != "":
		return KindRedirect
	case c.Alias != "" && c.Alias != name:
		return KindAlias
	}
	return KindChannel
}

// Lookup returns a device of a channel. Without one it fails with ErrNotFound
// and names what there is instead. A device is not told:
// to one that asks for an unknown channel it is up to date.
func (cs Channels) Lookup(channel, device string) (Device, error) {
	c, ok := cs[channel]
	if !ok {
		return Device{}, &Error{Op: "look up device", Channel: channel, Device: device, Kind: ErrNotFound,
			Err: fmt.Errorf("no channel %q; %s", channel, among("channels", maps.Keys(cs), channel))}
	}
	d, ok := c.Devices[device]
	if !ok {
		return Device{}, &Error{Op: "look up device", Channel: channel, Device: device, Kind: ErrNotFound,
			Err: fmt.Errorf("channel has no device %q; %s", device, among("devices", maps.Keys(c.Devices), device))}
	}
	return d, nil
}

// Names returns the names of all channels in order, hidden ones included.
func (cs Channels) Names() []string { return slices.Sorted(maps.Keys(cs)) }

// Pairs yields every channel and device, sorted by channel and then by device.
func (cs Channels) Pairs() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, c := range cs.Names() {
			for _, d := range slices.Sorted(maps.Keys(cs[c].Devices)) {
				if !yield(c, d) {
					return
				}
			}
		}
	}
}

// parseChannels is [Channels.UnmarshalJSON].
func parseChannels(data []byte) (Channels, error) {
	cs := Channels{}
	if err := parse("parse channels", data, cs.scan); err != nil {
		return nil, err
	}
	return cs, nil
}

func (cs Channels) scan(c *scanner) error {
	return c.object("list of channels", func(name []byte) error {
		var ch Channel
		if err := ch.scan(c); err != nil {
			return err
		}
		if cs[string(name)] = ch; len(cs) > maxImages {
			return c.fail("more than %d channels", maxImages)
		}
		return nil
	})
}

func (ch *Channel) scan(c *scanner) error {
	*ch = Channel{}
	devices := false
	err := c.object("channel", func(name []byte) (err error) {
		delete(ch.Unknown, string(name))
		switch string(name) {
		case "devices":
			devices, ch.Devices = true, map[string]Device{}
			return c.object(`"devices"`, func(device []byte) error {
				var d Device
				if err := d.scan(c); err != nil {
					return err
				}
				if c.files++; c.files > maxFiles {
					return c.fail("more than %d devices", maxFiles)
				}
				ch.Devices[string(device)] = d
				return nil
			})
		case "hidden":
			return ch.scanHidden(c)
		case "alias":
			return c.textField(&ch.Alias, &ch.Unknown, name)
		case "redirect":
			return c.textField(&ch.Redirect, &ch.Unknown, name)
		}
		return c.keep(&ch.Unknown, name)
	})
	if err == nil && !devices {
		return c.fail(`channel has no "devices"`)
	}
	return err
}

func (ch *Channel) scanHidden(c *scanner) error {
	at := c.i
	raw, err := c.skip()
	if err != nil {
		return err
	}
	switch string(raw) {
	case "true":
		ch.Hidden = true
		return nil
	case "false", "null":
		ch.Hidden = false
		return nil
	}
	var n float64
	if json.Unmarshal(raw, &n) != nil || n != 0 && n != 1 {
		return c.failAt(at, `"hidden" is %.40s, want true or false; devices drop the whole list because of it`, raw)
	}
	ch.Hidden = n == 1
	return nil
}

func (d *Device) scan(c *scanner) error {
	*d = Device{}
	return c.object("device", func(name []byte) error {
		delete(d.Unknown, string(name))
		switch string(name) {
		case "index":
			return c.textField(&d.Index, &d.Unknown, name)
		case "redirect":
			return c.textField(&d.Redirect, &d.Unknown, name)
		case "keyring":
			d.Keyring = nil
			if c.peek() == 'n' {
				return c.keep(&d.Unknown, name)
			}
			d.Keyring = &DeviceKeyring{}
			return d.Keyring.scan(c)
		}
		return c.keep(&d.Unknown, name)
	})
}

func (k *DeviceKeyring) scan(c *scanner) error {
	*k = DeviceKeyring{}
	return c.object(`"keyring"`, func(name []byte) error {
		delete(k.Unknown, string(name))
		switch string(name) {
		case "path":
			return c.textField(&k.Path, &k.Unknown, name)
		case "signature":
			return c.textField(&k.Signature, &k.Unknown, name)
		}
		return c.keep(&k.Unknown, name)
	})
}

// Folder is the folder of the index below www, such as
// "ubuntu-touch/stable/meizu.en/arale".
func (d Device) Folder() string { return strings.TrimPrefix(path.Dir(d.Index), "/") }

package systemimagetest

import _ "embed"

//go:embed sample.txt
var sample string

// SampleWorld is a server with all kinds of channels: daily images made by the
// importer (rc-proposed and devel), candidates (rc) and releases (stable) that
// are copied; several devices, an alias, a redirect, a device redirect, a hidden
// channel, devices with their own key, and an image phased at 30 %. The
// importer has nothing new to find.
func SampleWorld() World {
	w, err := ParseWorld(sample)
	if err != nil {
		panic(err) // the text is part of the package
	}
	return w
}

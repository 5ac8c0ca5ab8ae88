package channelconfig

import (
	"fmt"
	"strings"
	"testing"
)

// manyChannels is a configuration with n channels of a usual kind.
func manyChannels(n int) []byte {
	var names []string
	var b strings.Builder
	for i := range n {
		name := fmt.Sprintf("ubuntu-touch/rc-proposed/channel-%d", i)
		names = append(names, name)
		fmt.Fprintf(&b, "\n# channel %d\n[channel_%s]\ntype = auto\nversionbase = 1\nfullcount = 3\ndeltabase = %[2]s, ubuntu-touch/stable/%[1]d\n"+
			"files = ubuntu, device,krillin, device,vegetahd, custom, keyring, version\nfile_ubuntu = system-image;ubuntu-touch/rc-proposed/ubuntu;ubuntu;device=mako\n"+
			"file_device,krillin = http;http://h.example.net/krillin.tar.xz;name=device,monitor=http://h.example.net/krillin.build\n"+
			"file_device,vegetahd = http;http://h.example.net/vegetahd.tar.xz;name=device,monitor=http://h.example.net/vegetahd.build\n"+
			"file_custom = http;http://h.example.net/custom-%[1]d.tar.xz;name=custom,monitor=http://h.example.net/custom-%[1]d.build\n"+
			"file_keyring = keyring;archive-master\nfile_version = version\n", i, name)
	}
	return []byte("[global]\nbase_path = /srv\nchannels = " + strings.Join(names, ", ") + "\n" + b.String())
}

// The baseline is a walk over the same text that only splits it into lines.
func BenchmarkParseConfig(b *testing.B) {
	text := manyChannels(2000)
	b.Run("baseline lines", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			_ = strings.Split(string(text), "\n")
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse and load", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			c, err := Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			if s, err := c.Settings("/"); err != nil || len(s.Channels) != 2000 {
				b.Fatal(err)
			}
		}
	})
}

package cdimage

import "testing"

func TestAPIAddress(t *testing.T) {
	const path = "~ubuntu-cdimage/+livefs/ubuntu/vivid/ubuntu-touch/+build/26031"
	for _, c := range []struct{ address, want string }{
		{"https://launchpad.net/" + path, "https://api.launchpad.net/devel/" + path},
		{"https://api.launchpad.net/devel/" + path, "https://api.launchpad.net/devel/" + path},
		{"https://code.launchpad.net/" + path, ""},
		{"https://launchpad.net/~o/+archive/x", ""},
		{"https://example.com/" + path, ""},
		{"launchpad.net", ""},
	} {
		got, err := apiAddress(c.address, "")
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %s, %v", c.address, got, err)
		}
	}
}

func FuzzAPIAddress(f *testing.F) {
	f.Add("https://launchpad.net/~o/+livefs/ubuntu/vivid/ubuntu-touch/+build/1", "")
	f.Add("http://host/devel/~o/+livefs/ubuntu/vivid/ubuntu-touch/+build/1", "http://host/devel")
	f.Fuzz(func(t *testing.T, address, root string) {
		if got, err := apiAddress(address, root); (got == "") == (err == nil) {
			t.Errorf("%q, %v", got, err)
		}
	})
}

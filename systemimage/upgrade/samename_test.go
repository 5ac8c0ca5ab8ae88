package upgrade

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/landingteam/landing/systemimage"
)

// Devices store what they download side by side, by the last part of its path.
func TestChooseSameName(t *testing.T) {
	file := func(path, checksum string) systemimage.File {
		return systemimage.File{Path: path, Signature: path + ".asc", Checksum: checksum, Size: 1}
	}
	a, b, keyringA, keyringB := file("/1/a.tar.xz", "1"), file("/2/b.tar.xz", "2"), file("/pool/a/keyring.tar.xz", "3"), file("/pool/b/keyring.tar.xz", "4")
	signature := b
	signature.Signature = "/2/a.tar.xz.asc"
	twice := a
	twice.Checksum = "5"
	for _, tt := range []struct {
		name   string
		first  []systemimage.File
		second []systemimage.File
		bootme bool // the first image reboots
		most   int
		want   string // part of the error
	}{
		{"no name twice", []systemimage.File{a, keyringA}, []systemimage.File{b}, false, 0, ""},
		{"one file twice", []systemimage.File{a, keyringA}, []systemimage.File{b, keyringA}, false, 0, ""},
		{"two files of one name", []systemimage.File{a, keyringA}, []systemimage.File{b, keyringB}, false, 0, "/pool/a/keyring.tar.xz and /pool/b/keyring.tar.xz"},
		{"two files in one image", []systemimage.File{keyringA, keyringB}, []systemimage.File{b}, false, 0, "one name"},
		{"two signatures of one name", []systemimage.File{a}, []systemimage.File{signature}, false, 0, "/1/a.tar.xz.asc and /2/a.tar.xz.asc"},
		{"two checksums", []systemimage.File{a}, []systemimage.File{twice}, false, 0, "/1/a.tar.xz: is there with two checksums"},
		{"a reboot between them", []systemimage.File{a, keyringA}, []systemimage.File{b, keyringB}, true, 0, ""},
		{"behind the cap", []systemimage.File{a, keyringA}, []systemimage.File{b, keyringB}, false, 2, ""},
	} {
		x := &systemimage.Index{GeneratedAt: "Tue Mar 01 01:01:01 UTC 2016", Images: []systemimage.Image{
			{Type: systemimage.Delta, Base: 1, Version: 2, Percentage: 100, Bootme: tt.bootme, Files: tt.first},
			{Type: systemimage.Delta, Base: 2, Version: 3, Percentage: 100, Files: tt.second},
		}}
		q := Request{Build: 1, MaxImage: tt.most}
		o, err := Choose(x, q)
		if o == nil || len(o.Path) == 0 {
			t.Errorf("%s: %v comes without the offer that the device refuses", tt.name, err)
		}
		_, explained := Explain(x, q)
		for _, err := range []error{err, explained} {
			if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
		}
	}
}

func TestChooseSameNameRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/same-name-on-one-way.index.json")
	if err != nil {
		t.Fatal(err)
	}
	x, err := systemimage.ParseIndex(data)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := Choose(x, Request{Build: 210}); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "keyring.tar.xz") {
		t.Errorf("Choose = %+v, %v, want ErrBroken", o, err)
	}
	if o, err := Choose(x, Request{Build: 211}); err != nil || pathText(o.Path) != "delta 211->212" {
		t.Errorf("Choose from 211 = %+v, %v, want the one delta", o, err)
	}
}

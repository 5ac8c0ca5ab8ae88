package buildmail_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/buildmail"
)

func TestParseSubject(t *testing.T) {
	m, err := buildmail.ParseSubject("LiveFS ubuntu-touch-custom/vivid/i386 failed to build on 20160906")
	want := buildmail.Subject{ImageSet: cdimage.ImageSet{Project: "ubuntu-touch-custom", Series: "vivid"}, Arch: "i386", ID: cdimage.BuildID{Day: 20160906}}
	if diff := cmp.Diff(want, m); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	m, err = buildmail.ParseSubject("(built by operator) CD image ubuntu-touch/ubuntu-rtm/14.09/daily-preinstalled failed to build on 20150101.2")
	want = buildmail.Subject{ImageSet: cdimage.ImageSet{Project: "ubuntu-touch", Series: "ubuntu-rtm/14.09", Type: "daily-preinstalled"}, By: "operator", ID: cdimage.BuildID{Day: 20150101, N: 2}}
	if diff := cmp.Diff(want, m); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := buildmail.ParseSubject("Re: CD image x"); !errors.Is(err, cdimage.ErrFormat) {
		t.Error(err)
	}
}

func FuzzParseSubject(f *testing.F) {
	f.Add("LiveFS a/b/c failed to build on 20160906")
	f.Add("(built by operator) CD image ubuntu-touch/vivid/daily failed to build on 20160906.1")
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := buildmail.ParseSubject(s); err == nil && (m.Project == "" || m.Series == "" || m.ID.IsZero()) {
			t.Errorf("%q: %+v", s, m)
		}
	})
}

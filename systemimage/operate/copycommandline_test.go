package operate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// The help is asked for once.
func TestCopyFormIsAskedOnce(t *testing.T) {
	n := 0
	s := &Server{Root: "/srv/si", Runner: command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		n++
		return command.Output{Stdout: []byte("usage: copy-image [-h] [-k]\n  A B DEVICE VERSION\n\n")}, nil
	})}
	for range 3 {
		if f, err := s.copyForm(t.Context(), "x"); err != nil || f != formPositional {
			t.Errorf("%v, %v", f, err)
		}
	}
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
	s = &Server{Root: "/srv/si", Runner: command.Func(func(_ context.Context, c command.Command) (command.Output, error) {
		return command.Output{Stderr: []byte("env: '/srv/si/bin/copy-image': No such file or directory\n"), Exit: 127}, nil
	})}
	if _, err := s.copyForm(t.Context(), "x"); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("got %v", err)
	}
}

// A help that was killed says nothing about the program: it is asked for once more,
// and killed again it is not said to be another program.
func TestCopyFormKilled(t *testing.T) {
	for _, tt := range []struct {
		kills int
		want  copyForm
		text  string
	}{
		{1, formOption, ""},
		{9, formUnknown, "asking for its help: copy-image --help was killed by signal 9"},
	} {
		n := 0
		s := &Server{Root: "/srv/si", Runner: command.Func(func(context.Context, command.Command) (command.Output, error) {
			if n++; n <= tt.kills {
				return command.Output{Exit: 137}, nil
			}
			return command.Output{Stdout: []byte("usage: copy-image [-h] [-r VERSION]\n  A B DEVICE\n\n")}, nil
		})}
		form, err := s.copyForm(t.Context(), "x")
		if form != tt.want || n != 2 || errors.Is(err, systemimage.ErrBroken) || (err == nil) != (tt.text == "") || err != nil && !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%d kills: %v after %d questions, %v; want %v, %q", tt.kills, form, n, err, tt.want, tt.text)
		}
	}
}

// Whatever is asked for: a request that is not refused makes a command line in
// which every word is what it should be.
func FuzzCopyRequest(f *testing.F) {
	f.Add("rc-proposed", "rc", "krillin", "OTA-5", 3, 0)
	f.Add("-k", "--", "", "-", 0, 101)
	f.Add("a b", "c;d", "$(e)", "é tag", 65535, 100)
	f.Fuzz(func(t *testing.T, from, to, device, tag string, version, percentage int) {
		r := CopyRequest{From: from, To: to, Device: device, Tag: tag, Version: version, Percentage: percentage}
		cs := systemimage.Channels{from: {Devices: map[string]systemimage.Device{device: {}}}, to: {Devices: map[string]systemimage.Device{device: {}}}}
		if r.refuse() != "" || refuseCopy(cs, from, to, device, tag) != "" {
			return
		}
		for _, form := range []copyForm{formOption, formPositional} {
			args := r.args(form)
			if !slices.Contains(args, "-p") || slices.Contains(args, "-k") || slices.Contains(args, "-q") {
				t.Fatalf("%q", args)
			}
			for i, a := range args {
				known := slices.Contains([]string{"-r", "-p", "-t", "-vvv"}, a)
				if strings.HasPrefix(a, "-") && !known || a == "" || strings.ContainsAny(a, "\n\r\x00") || !utf8.ValidString(a) {
					t.Fatalf("word %d of %q", i, args)
				}
			}
			if strings.Contains(tag, ",") {
				t.Fatalf("a tag with a comma: %q", args)
			}
		}
	})
}

package operate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

func TestCheckCopyRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*CopyRequest)
		want   string
	}{
		{"version 0", func(r *CopyRequest) { r.Version = 0 }, "version 0 of the source is not in 1..65535"},
		{"percentage", func(r *CopyRequest) { r.Percentage = 101 }, "percentage 101 is not in 0..100"},
		{"negative percentage", func(r *CopyRequest) { r.Percentage = -1 }, "percentage -1"},
		{"option", func(r *CopyRequest) { r.Device = "-k" }, `device "-k" begins with a dash`},
		{"option as tag", func(r *CopyRequest) { r.Tag = "--help" }, `tag "--help" begins with a dash`},
		{"line end in tag", func(r *CopyRequest) { r.Tag = "a\nb" }, "control characters"},
		{"no UTF-8 in tag", func(r *CopyRequest) { r.Tag = "a\xff" }, "no UTF-8"},
		{"empty channel", func(r *CopyRequest) { r.To = "" }, "destination channel is empty"},
		{"both tags", func(r *CopyRequest) { r.KeepTag = true }, "contradict"},
		{"channel before tag", func(r *CopyRequest) { r.From, r.Tag = "nope", "a,b" }, "Invalid source channel: nope"},
		{"tag before version", func(r *CopyRequest) { r.Version, r.Tag = 41, "a,b" }, "cannot include the character ','"},
		{"version", func(r *CopyRequest) { r.Version = 41 }, "Can't find version: 41 in ubuntu-touch/rc-proposed/bq-aquaris.en, which has 1, 2, 3"},
		{"tag unstated", func(r *CopyRequest) {
			r.From, r.To, r.Version, r.Tag = r.To, "ubuntu-touch/stable/bq-aquaris.en", 1, ""
		},
			`carries the tag "OTA-4-rc", which the copy would inherit`},
		{"other percentage", func(r *CopyRequest) { r.Version, r.Tag, r.Percentage = 1, "OTA-4-rc", 5 },
			"its percentage is 100, not 5: if it was released meanwhile it goes on"},
		{"other tag", func(r *CopyRequest) { r.Version = 1 }, `its tag is "OTA-4-rc", not "OTA-13-rc": use tag-image`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := replayOf(t, "copy-ok", "copy-ok-tag-v3")
			r := copyRC
			tt.change(&r)
			_, done, err := h.server().CheckCopy(t.Context(), r)
			if done || !errors.Is(err, systemimage.ErrRefused) || !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("done %v, %v, want a refusal with %q", done, err, tt.want)
			}
		})
	}
}

// After a restart with the copy still running, the image is there at 100 % and
// the lock is held: that is waited for, and no reason to refuse.
func TestCopyFindsItselfRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := replayOf(t, "copy-danger", "copy-killed-c-full-published-v3")
		h.w.apply(t, h.r)
		h.w.remove(copyRC.To + "/krillin/index.json.new")
		h.w.remove(copyRC.To + "/krillin/index.json.new.asc")
		s := h.server()
		s.LockWait, s.LockPoll = time.Minute, time.Second
		start := time.Now()
		s.Runner = runnerWith(h, func(c command.Command) (command.Output, bool) {
			if c.Argv[3] != lockScriptName || time.Since(start) < 5*time.Second {
				return command.Output{}, false
			}
			h.w.apply(t, named(fixture.Recordings(t, "copy-danger"), "copy-killed-c-then-phased-again-v3"))
			return command.Output{Stdout: []byte("seen\n")}, true
		})
		r := copyRC
		r.Percentage = 0
		got, err := s.Copy(t.Context(), r)
		if err != nil || got.Percentage != 0 || len(h.runs) != 0 || time.Since(start) < 5*time.Second {
			t.Errorf("%+v, %v after %v and %d runs", got, err, time.Since(start), len(h.runs))
		}
	})
}

func TestCopiedDetail(t *testing.T) {
	tests := []struct {
		source string
		setTag bool
		tag    string
		want   string
	}{
		{"ubuntu=1,tag=a,version=3", false, "", "ubuntu=1,tag=a,version=9"},
		{"ubuntu=1,tag=a,version=3", true, "b", "ubuntu=1,tag=b,version=9"},
		{"tag=a,ubuntu=1,version=3", true, "", "ubuntu=1,version=9"},
		{"", true, "b", ",tag=b,version=9"}, // as the program does it
	}
	for _, tt := range tests {
		if got := copiedDetail(tt.source, tt.setTag, tt.tag, 9); got != tt.want {
			t.Errorf("copiedDetail(%q, %v, %q) = %q, want %q", tt.source, tt.setTag, tt.tag, got, tt.want)
		}
	}
}

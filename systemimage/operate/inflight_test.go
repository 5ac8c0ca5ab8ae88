package operate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
)

// A lostLink is lost with the first command that writes, and whoever used it is
// killed: the command comes to its end on the host, or even begins there, when
// nobody knows of it any more.
type lostLink struct {
	host  *cronHost
	begun bool // the command has begun by then
	dead  bool
	lost  []command.Command
	ended chan error
}

func (l *lostLink) Run(ctx context.Context, c command.Command) (command.Output, error) {
	if l.dead {
		return command.Output{}, errors.New("killed")
	}
	if len(c.Stdin) == 0 {
		return l.host.Run(ctx, c)
	}
	l.dead = true
	if !l.begun {
		l.lost = append(l.lost, c)
		return command.Output{}, errors.New("link lost")
	}
	slow := filepath.Join(l.host.dir, "slow")
	if err := os.WriteFile(slow, nil, 0o600); err != nil {
		return command.Output{}, err
	}
	l.ended = make(chan error, 1)
	go func() {
		_, err := l.host.Run(context.WithoutCancel(ctx), c)
		l.ended <- err
	}()
	for { // until the crontab program is at work
		if _, err := os.Stat(slow + ".seen"); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	time.AfterFunc(300*time.Millisecond, func() { os.Remove(slow) })
	return command.Output{}, errors.New("link lost")
}

// arrive lets what was lost come to its end.
func (l *lostLink) arrive(t *testing.T) {
	t.Helper()
	if l.begun {
		if err := <-l.ended; err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range l.lost {
		if _, err := l.host.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// A command of a process that was killed is still on its way to the crontab while
// others work, or comes after them. The last one who was answered is right.
func TestImporterCommandOnItsWay(t *testing.T) {
	const tab = "*/5 * * * * /srv/si/bin/import-images\n@daily true\n"
	pause := func(i *Importer) error { return i.Pause(t.Context()) }
	resume := func(i *Importer) error { return i.Resume(t.Context()) }
	for _, tt := range []struct {
		name   string
		before func(*Importer) error // answered
		lost   func(*Importer) error
		after  []func(*Importer) error // answered
		paused bool
	}{
		{name: "paused, resumed", lost: pause, after: []func(*Importer) error{resume}},
		{name: "paused, paused again, resumed", lost: pause, after: []func(*Importer) error{pause, resume}},
		{name: "resumed, paused again", before: pause, lost: resume, after: []func(*Importer) error{pause}, paused: true},
		{name: "resumed, resumed again", before: pause, lost: resume, after: []func(*Importer) error{resume}},
		{name: "paused, paused again", lost: pause, after: []func(*Importer) error{pause}, paused: true},
	} {
		for _, begun := range []bool{true, false} {
			name := tt.name + ", not begun yet"
			if begun {
				name = tt.name + ", at work"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := newCronHost(t, tab)
				if tt.before != nil {
					if err := tt.before(importer(h, "r")); err != nil {
						t.Fatal(err)
					}
				}
				link := &lostLink{host: h, begun: begun}
				i := importer(h, "r")
				i.Runner = link
				if err := tt.lost(i); err == nil {
					t.Fatal("nothing was lost")
				}
				for _, f := range tt.after {
					if err := f(importer(h, "r")); err != nil {
						t.Fatal(err)
					}
				}
				link.arrive(t)
				got := h.get()
				if tt.paused {
					if !strings.Contains(got, "run=r ") || strings.HasPrefix(got, "*/5") {
						t.Errorf("not paused in the end:\n%s", got)
					}
				} else if diff := cmp.Diff(tab, got); diff != "" {
					t.Errorf("not as it was (-want +got):\n%s", diff)
				}
			})
		}
	}
}

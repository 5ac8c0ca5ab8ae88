package operate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/operate"
)

type damage struct {
	name, remedy string
	do           func(index string) error
}

// damagedIndexes are the ways in which an index is found broken, and a part of what
// mends it.
var damagedIndexes = []damage{
	{"missing", "put it back", os.Remove},
	{"killed commit", "index.json.new", func(p string) error { return os.Rename(p, p+".new") }},
	{"empty", "put it back", func(p string) error { return os.WriteFile(p, nil, 0o644) }},
	{"a web page", "put it back", func(p string) error { return os.WriteFile(p, []byte("<html>not found</html>\n"), 0o644) }},
	{"cut", "put it back", func(p string) error {
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(p, b[:len(b)/2], 0o644)
	}},
}

// damagedSignatures are the ways in which the signature of an index is found broken.
var damagedSignatures = []damage{
	{"without signature", "run re-sign-indexes", func(p string) error { return os.Remove(p + ".asc") }},
	{"empty signature", "run re-sign-indexes", func(p string) error { return os.WriteFile(p+".asc", nil, 0o644) }},
	{"a web page as signature", "run re-sign-indexes", func(p string) error {
		return os.WriteFile(p+".asc", []byte("<html>not found</html>\n"), 0o644)
	}},
	{"signature of another index", "find out by whom", func(p string) error {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(p), "../../bq-aquaris.en/krillin/index.json.asc"))
		return errors.Join(err, os.WriteFile(p+".asc", b, 0o644))
	}},
	{"changed after it was signed", "find out by whom", func(p string) error {
		b, err := os.ReadFile(p)
		return errors.Join(err, os.WriteFile(p, append(b, '\n'), 0o644))
	}},
}

// No program runs while the index of any device is broken, or devices would refuse it,
// but one that offers an image to fewer devices.
func TestEveryIndexIsLookedAt(t *testing.T) {
	t.Parallel()
	const rolling, arale = "ubuntu-touch/stable/meizu.en", "arale" // at 30 %
	effects := []struct {
		name    string
		stopped bool
		do      func(*testing.T, *operate.Server) error
	}{
		{"copy", true, func(t *testing.T, s *operate.Server) error { _, err := s.Copy(t.Context(), rcCopy); return err }},
		{"tag", true, func(t *testing.T, s *operate.Server) error {
			_, err := s.Tag(t.Context(), operate.TagRequest{Channel: rolling, Device: arale, Version: 1, Tag: "OTA-9"})
			return err
		}},
		{"import", true, func(t *testing.T, s *operate.Server) error {
			_, err := s.Import(t.Context(), operate.ImportRequest{})
			return err
		}},
		{"raise", true, func(t *testing.T, s *operate.Server) error {
			_, err := s.Phase(t.Context(), operate.PhaseRequest{Channel: rolling, Device: arale, Version: 1, Percentage: 60})
			return err
		}},
		{"lower", false, func(t *testing.T, s *operate.Server) error {
			_, err := s.Phase(t.Context(), operate.PhaseRequest{Channel: rolling, Device: arale, Version: 1, Percentage: 10})
			return err
		}},
		{"stop", false, func(t *testing.T, s *operate.Server) error {
			_, err := s.Phase(t.Context(), operate.PhaseRequest{Channel: rolling, Device: arale, Version: 1})
			return err
		}},
	}
	for _, e := range effects {
		for _, d := range slices.Concat(damagedIndexes, damagedSignatures) {
			t.Run(e.name+", "+d.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake, s := operated(t, nil)
					s.Client = fake.Client()
					// A device that none of the effects is about.
					if err := d.do(filepath.Join(fake.Root(), "www/ubuntu-touch/rc-proposed/ubuntu/mako/index.json")); err != nil {
						t.Fatal(err)
					}
					var ran []string
					fake.After = func(argv []string, _ int) {
						if !slices.Contains(argv, "--help") {
							ran = append(ran, filepath.Base(argv[0]))
						}
					}
					err := e.do(t, s)
					switch {
					case e.stopped && (!errors.Is(err, systemimage.ErrBroken) || len(ran) > 0):
						t.Errorf("ran %q, %v, want nothing, and ErrBroken", ran, err)
					case e.stopped && (!strings.Contains(err.Error(), "mako/index.json") || !strings.Contains(err.Error(), d.remedy)):
						t.Errorf("%v does not say what to mend, and how: %q", err, d.remedy)
					case !e.stopped && (err != nil || len(ran) != 1):
						t.Errorf("ran %q, %v, want that it is done", ran, err)
					}
				})
			})
		}
	}
}

// An older index of another device, properly signed in its day, was put back on the host:
// nothing is published while it lies there, and percentages are lowered all the same.
func TestOlderIndexIsPutBack(t *testing.T) {
	t.Parallel()
	for _, sameProcess := range []bool{true, false} {
		t.Run(fmt.Sprint("same process: ", sameProcess), func(t *testing.T) {
			t.Parallel()
			fake, s := operated(t, nil)
			cache := t.TempDir()
			s.Client = fake.Client()
			s.Client.Cache = cache
			index := filepath.Join(fake.Root(), "www/ubuntu-touch/rc/bq-aquaris.en/vegetahd/index.json")
			old := [2][]byte{}
			for i, name := range []string{index, index + ".asc"} {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				old[i] = text
			}
			other := rcCopy
			other.Device = "vegetahd"
			fake.Now = func() time.Time { return time.Now().Add(time.Minute) }
			if _, err := s.Copy(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			for i, name := range []string{index, index + ".asc"} {
				if err := os.WriteFile(name, old[i], 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if !sameProcess {
				s = &operate.Server{Runner: fake, Root: fake.Root(), LockWait: -1, Client: fake.Client()}
				s.Client.Cache = cache
			}
			for name, do := range map[string]func() error{
				"copy":   func() error { _, err := s.Copy(t.Context(), rcCopy); return err },
				"import": func() error { _, err := s.Import(t.Context(), operate.ImportRequest{}); return err },
			} {
				if err := do(); !errors.Is(err, systemimage.ErrBroken) || !strings.Contains(err.Error(), "vegetahd/index.json") || !strings.Contains(err.Error(), "was seen before") {
					t.Errorf("%s: %v, want ErrBroken that names the older index", name, err)
				}
			}
			if _, err := s.Phase(t.Context(), operate.PhaseRequest{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1}); err != nil {
				t.Errorf("0 %%: %v", err)
			}
		})
	}
}

// Several percentages at once: what is wrong elsewhere keeps back those that are raised,
// and no other. What was found good is not read again.
func TestManyPercentagesAndEveryIndex(t *testing.T) {
	t.Parallel()
	for _, d := range slices.Concat([]damage{{name: "nothing"}}, damagedIndexes, damagedSignatures) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake, s := operated(t, nil)
				s.Client = fake.Client()
				if d.do != nil {
					if err := d.do(filepath.Join(fake.Root(), "www/ubuntu-touch/rc-proposed/ubuntu/mako/index.json")); err != nil {
						t.Fatal(err)
					}
				}
				looks := 0
				s.Runner = counted{fake, "landing-read", &looks}
				set := func(percentages ...int) (ended [2]error) {
					images := []operate.PhaseRequest{{Channel: "ubuntu-touch/stable/meizu.en", Device: "arale", Version: 1, Percentage: percentages[0]},
						{Channel: "ubuntu-touch/stable/bq-aquaris.en", Device: "krillin", Version: 1, Percentage: percentages[1]}}
					err := s.PhaseMany(t.Context(), operate.PhaseMany{Images: images, Quick: true,
						Ended: func(n int, _ operate.PhaseResult, err error) { ended[n] = err }})
					if err != nil {
						t.Fatal(err)
					}
					return ended
				}
				ended := set(60, 0)
				if d.do == nil {
					first := looks
					if again := set(70, 0); ended[0] != nil || again[0] != nil || first != 1 || looks > first+1 {
						t.Errorf("%v, %v; indexes were read %d times, then %d times", ended, again, first, looks-first)
					}
					return
				}
				if !errors.Is(ended[0], systemimage.ErrBroken) || !strings.Contains(ended[0].Error(), "mako/index.json") || ended[1] != nil {
					t.Errorf("the raise ended with %v, the stop with %v", ended[0], ended[1])
				}
			})
		})
	}
}

// counted counts the runs of a script.
type counted struct {
	command.Runner
	script string
	n      *int
}

func (c counted) Run(ctx context.Context, x command.Command) (command.Output, error) {
	if len(x.Argv) > 3 && x.Argv[3] == c.script {
		*c.n++
	}
	return c.Runner.Run(ctx, x)
}

// Neither Preflight nor Mend calls a broken index whole.
func TestDamagedIndexIsNoAllClear(t *testing.T) {
	t.Parallel()
	const channel, device = "ubuntu-touch/stable/meizu.en", "arale"
	for _, d := range damagedIndexes {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake, s := operated(t, nil)
				s.Client.Tries = 1
				if err := d.do(filepath.Join(fake.Root(), "www", channel, device, "index.json")); err != nil {
					t.Fatal(err)
				}
				found, err := s.Preflight(t.Context(), channel, device)
				if err != nil || len(found) == 0 || !found[0].Blocks || found[0].Remedy == "" {
					t.Errorf("Preflight: %v, %v", found, err)
				}
				did, err := s.Mend(t.Context(), channel, device)
				if d.name == "killed commit" {
					if err != nil || len(did) == 0 {
						t.Errorf("Mend: %q, %v", did, err)
					}
				} else if !errors.Is(err, systemimage.ErrBroken) {
					t.Errorf("Mend: %q, %v, want ErrBroken", did, err)
				}
			})
		})
	}
}

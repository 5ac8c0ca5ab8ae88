package lab_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

// pairs calls f for each index with its newest image then and now.
func (v *verdict) pairs(f func(name string, was, is *systemimage.Index) string) string {
	old := v.s.template.Root()
	paths, _ := filepath.Glob(old + "/www/*/*/*/*/index.json")
	for _, path := range paths {
		rel := strings.TrimPrefix(path, old)
		was, errA := os.ReadFile(path)
		is, errB := os.ReadFile(v.w.at(rel))
		if errA != nil || errB != nil {
			continue // broken by a program's death; said by the run
		}
		a, errA := systemimage.ParseIndex(was)
		b, errB := systemimage.ParseIndex(is)
		if errA != nil || errB != nil {
			continue
		}
		if why := f(rel, a, b); why != "" {
			return why
		}
	}
	return ""
}

// nothingTwice counts the images above the newest of the template.
func (v *verdict) nothingTwice() string {
	if !v.s.single || v.w.has("another operator does something else") {
		return ""
	}
	return v.pairs(func(name string, a, b *systemimage.Index) string {
		was, _ := a.Newest()
		n := 0
		for _, m := range b.Fulls() {
			if m.Version > was {
				n++
			}
		}
		if n > 1+v.strays() {
			return fmt.Sprintf("%s has %d new images", name, n)
		}
		return ""
	})
}

// history looks whether an index lost what it had, or was lost.
func (v *verdict) history() string {
	old := v.s.template.Root()
	paths, _ := filepath.Glob(old + "/www/*/*/*/*/index.json")
	for _, path := range paths {
		rel := strings.TrimPrefix(path, old)
		_, errA := os.Stat(v.w.at(rel))
		_, errB := os.Stat(v.w.at(rel + ".new"))
		if errA != nil && errB != nil && !v.w.has("an index is missing") {
			return rel + " is lost"
		}
	}
	return v.pairs(func(name string, a, b *systemimage.Index) string {
		was, _ := a.Newest()
		if is, _ := b.Newest(); is < was {
			return fmt.Sprintf("%s ended with image %d, and ends with %d", name, was, is)
		}
		return ""
	})
}

// nobodyOffered asks what devices would choose, once the run is done.
func (v *verdict) nobodyOffered() string {
	if !v.o.done {
		return ""
	}
	for pair, versions := range v.s.taken {
		channel, device, _ := strings.Cut(pair, " ")
		text, err := os.ReadFile(v.w.at("www/" + channel + "/" + device + "/index.json"))
		if err != nil {
			return err.Error()
		}
		x, err := systemimage.ParseIndex(text)
		if err != nil {
			return err.Error()
		}
		for _, number := range []int{0, 1, 30, 100} {
			for build := range 2 {
				o, err := upgrade.Choose(x, upgrade.Request{Build: build, Draw: func(int) int { return number }})
				if err != nil {
					return err.Error()
				}
				for _, m := range o.Path {
					if slices.Contains(versions, m.Version) {
						return fmt.Sprintf("%s: a device at build %d with number %d is offered %v", pair, build, number, m)
					}
				}
			}
		}
	}
	return ""
}

// published looks whether an index that devices took nothing from was signed as it was.
func (v *verdict) published() string {
	for index, was := range v.w.unsigned {
		is, err := os.ReadFile(index)
		_, unsigned := os.Stat(index + ".asc")
		if err == nil && unsigned == nil && string(is) == was && !v.w.has("another operator does something else") {
			return index
		}
	}
	return ""
}

// comesBack looks whether a person was asked before content was published that had
// been replaced before.
func (v *verdict) comesBack() string {
	if !v.s.again || v.world() == v.w.begin {
		return ""
	}
	asked := slices.ContainsFunc(v.records, func(rec runbook.Record) bool {
		return rec.Kind == runbook.Approved && strings.Contains(rec.Step, "publish again")
	})
	copied := slices.ContainsFunc(v.records, func(rec runbook.Record) bool { return rec.Kind == runbook.Done && rec.Verb == runbook.VerbDo })
	if copied && !asked {
		return "published without a question"
	}
	return ""
}

// opening is a command that offers an image to devices.
var opening = regexp.MustCompile(`set-phased-percentage(?: -v)? (\S+) (\S+) (\d+) [1-9]`)

// advice looks whether anything that is said would bring a faulty image to devices.
func (v *verdict) advice() string {
	said := fmt.Sprint(v.o.err, "\n", v.o.settling)
	for _, rec := range v.records {
		said += "\n" + rec.Error + "\n" + rec.Reason
	}
	for _, m := range opening.FindAllStringSubmatch(said, -1) {
		if slices.ContainsFunc(v.s.taken[m[1]+" "+m[2]], func(version int) bool { return strconv.Itoa(version) == m[3] }) {
			return m[0]
		}
	}
	return ""
}

// rollback looks whether a program of the same site takes the tree of before for the
// newest, when another has seen what was published since.
func (v *verdict) rollback() string {
	if v.w.has("the address is another server's") || v.s.template == nil {
		return ""
	}
	reader := func() *systemimage.Client { return (&hand{w: v.w}).client() }
	return v.pairs(func(name string, was, is *systemimage.Index) string {
		then, errA := was.Generated()
		now, errB := is.Generated()
		if errA != nil || errB != nil || !now.After(then) {
			return ""
		}
		place := strings.Split(strings.TrimPrefix(name, "/www/"), "/")
		channel, device := strings.Join(place[:3], "/"), place[3]
		if _, err := reader().Index(v.t.Context(), channel, device); err != nil {
			return "" // nobody has seen it
		}
		v.w.mu.Lock()
		v.w.stale = time.Now().Add(time.Hour)
		v.w.mu.Unlock()
		defer func() {
			v.w.mu.Lock()
			v.w.stale = time.Time{}
			v.w.mu.Unlock()
		}()
		c := reader()
		c.Tries = 1
		if _, err := c.Index(v.t.Context(), channel, device); !errors.Is(err, systemimage.ErrReplayed) {
			return fmt.Sprintf("%s of %v was taken, though one of %v was seen: %v", name, then, now, err)
		}
		return ""
	})
}

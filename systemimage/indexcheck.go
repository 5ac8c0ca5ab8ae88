package systemimage

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Check reports everything in x that makes devices drop the whole index,
// whatever build they run: each finding is an [Error] of kind ErrBroken, all
// joined by errors.Join. A file without a usable size is among them, though
// only devices with that file on their way meet it. nil means that a device
// reads x to its end; upgrade.Loop finds what keeps it from ever finishing.
func (x *Index) Check() error {
	var all []error
	if _, why := parseGenerated(x.GeneratedAt); why != "" {
		all = append(all, broken("global.generated_at", "%.80q %s", x.GeneratedAt, why))
	}
	for i, m := range x.Images {
		place := fmt.Sprintf("images[%d]", i)
		all = append(all, m.reserved(i)...)
		for err := range m.listing(place) {
			all = append(all, err)
		}
		for j, f := range m.Files {
			if raw, odd := f.Unknown["size"]; odd && f.Size == 0 {
				all = append(all, broken(fmt.Sprintf("%s.files[%d].size", place, j), "is %s, want bytes", asWritten(raw)))
			}
		}
	}
	return errors.Join(all...)
}

// reserved reports fields of an image, or of one of its files, that devices cannot
// read an index with: their names are those of arguments in the client, which are
// taken. That ends the reading of the index, also for devices that need not look at
// the image.
func (m *Image) reserved(i int) (all []error) {
	for _, name := range []string{"self", "converters"} {
		if _, ok := m.Unknown[name]; ok {
			all = append(all, broken(fmt.Sprintf("images[%d].%s", i, name), unreadable))
		}
		for j := range m.Files {
			if _, ok := m.Files[j].Unknown[name]; ok {
				all = append(all, broken(fmt.Sprintf("images[%d].files[%d].%s", i, j, name), unreadable))
			}
		}
	}
	return all
}

const unreadable = "is a field whose name devices cannot read"

// listing yields what makes a device fail when it lists its candidates.
func (m Image) listing(place string) iter.Seq[error] {
	return func(yield func(error) bool) {
		say := func(field, format string, a ...any) bool { return yield(broken(place+"."+field, format, a...)) }
		ok := true
		if m.Type != Full && m.Type != Delta {
			ok = say("type", "is %q, want full or delta", m.Type)
		}
		if ok && m.NullVersion {
			ok = say("version", "is %s, want a number from 0 to %d", asWritten(m.Unknown["version"]), MaxVersion)
		} else if ok && (m.Version < 0 || m.Version > MaxVersion) {
			ok = say("version", "is %d, want a number from 0 to %d", m.Version, MaxVersion)
		}
		switch raw, odd := m.Unknown["base"]; {
		case !ok || m.Type != Delta:
		case odd && m.Base == 0:
			ok = say("base", "is %s, want a number from 0 to %d", asWritten(raw), MaxVersion)
		case m.Base < 0 || m.Base > MaxVersion:
			ok = say("base", "is %d, want a number from 0 to %d", m.Base, MaxVersion)
		}
		if raw, odd := m.Unknown["minversion"]; ok && odd && m.MinVersion == 0 && m.Type == Full {
			say("minversion", "is %s, want a number", asWritten(raw))
		}
	}
}

func asWritten(raw []byte) string {
	if raw == nil {
		return "missing"
	}
	return fmt.Sprintf("%.40s", raw)
}

func broken(place, format string, a ...any) error {
	return &Error{Place: place, Kind: ErrBroken, Err: fmt.Errorf(format, a...)}
}

// Generated returns the time of global.generated_at by the rules of devices,
// such as "Mon Apr 29 18:45:27 UTC 2013". A device loses the whole index when
// the text breaks them; the server leaves it out before the first commit.
func (x *Index) Generated() (time.Time, error) {
	t, why := parseGenerated(x.GeneratedAt)
	if why != "" {
		return time.Time{}, &Error{Op: "read the time of the index", Place: "global.generated_at", Kind: ErrMalformed,
			Err: fmt.Errorf("%.80q %s; devices want the form \"Mon Apr 29 18:45:27 UTC 2013\"", x.GeneratedAt, why)}
	}
	return t, nil
}

func parseGenerated(s string) (t time.Time, why string) {
	const usual = "Mon Jan 02 15:04:05 UTC 2006" // as the server writes it
	if t, err := time.Parse(usual, s); err == nil && t.Year() > 0 && t.Format(usual) == s {
		return t, ""
	}
	if !slices.Contains(strings.FieldsFunc(s, pythonSpace), "UTC") {
		return t, "is not in UTC"
	}
	m := generatedAt.FindStringSubmatch(s)
	if m == nil || strings.ContainsRune(s, 'ſ') { // matches as a small s, and is none
		return t, "has another form"
	}
	month := 1 + strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(m[1]))/3
	var n [5]int // day, hour, minute, second, year
	for i := range n {
		n[i], _ = pythonInt(m[2+i])
	}
	t = time.Date(n[4], time.Month(month), n[0], n[1], n[2], n[3], 0, time.UTC)
	if n[4] < 1 || t.Day() != n[0] || t.Hour() != n[1] || t.Minute() != n[2] || t.Second() != n[3] {
		return time.Time{}, "is no date" // 30 February, 24 h, second 60
	}
	return t, ""
}

// The client's strptime format is "%a %b %d %H:%M:%S %Z %Y": a blank stands
// for one or more, numbers may lack their leading zero, the year may not, and
// last digits may be those of any script. The weekday need not fit the date.
var generatedAt = regexp.MustCompile(strings.NewReplacer(" ", `[\pZ\x09-\x0d\x1c-\x1f\x{85}]+`, "N", `\p{Nd}`).Replace(
	`^(?i:mon|tue|wed|thu|fri|sat|sun) (?i:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)) ` +
		`(3[01]|[12]N|0[1-9]|[1-9]) (2[0-3]|[01]N|N):([0-5]N|N):([0-5]N|N) UTC (NNNN)$`))

// CheckFor is Check for a device at a build: the first finding that makes it drop
// the index. Of a full that it may not take only
// fields that no device can read do it harm.
func (x *Index) CheckFor(build int) error {
	if _, why := parseGenerated(x.GeneratedAt); why != "" {
		return broken("global.generated_at", "%.80q %s", x.GeneratedAt, why)
	}
	for i := range x.Images {
		m := &x.Images[i]
		for _, err := range m.reserved(i) {
			return err
		}
		if m.Unknown == nil && (m.Type == Full || m.Type == Delta && uint(m.Base) <= MaxVersion) && uint(m.Version) <= MaxVersion && !m.NullVersion {
			continue // the common case, cheaply
		}
		if _, odd := m.Unknown["minversion"]; m.Type == Full && m.MinVersion > build && !odd {
			continue
		}
		for err := range m.listing(fmt.Sprintf("images[%d]", i)) {
			return err
		}
	}
	return nil
}

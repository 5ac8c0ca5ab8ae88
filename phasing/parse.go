package phasing

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseSchedule reads a schedule. Steps are separated by commas; a step is a
// percentage, then, each if wanted and in this order, the time at which it begins, how
// long it is held and the word ask:
//
//	1% 2h ask, 10% 6h, 50% 12h ask, 100%
//	1% at 2026-03-02T09:00Z, 10% at 2026-03-03T09:00Z ask, 100% at 2026-03-04T09:00Z
//	linear 24h
//	linear 5h every 30m
//
// Durations are those of Go, and days: 90m, 1h30m, 5d. Times are RFC 3339, seconds may
// be left out. Errors ([ErrSyntax], [ErrRange], [ErrLowers]) say at which column.
// See [NewSchedule] for what steps must fulfil.
func ParseSchedule(text string) (Schedule, error) {
	p := parser{text: text}
	p.split()
	s, err := p.schedule()
	if err != nil {
		err.Source = text
		return Schedule{}, err
	}
	return s, nil
}

// word is a word of the text, or a comma, or the end (empty), with its offset.
type word struct {
	text   string
	offset int
}

type parser struct {
	text  string
	words []word
}

const blanks = " \t\r\n"

func (p *parser) split() {
	for i := 0; i < len(p.text); {
		switch rest := p.text[i:]; {
		case strings.IndexByte(blanks, rest[0]) >= 0:
			i++
		case rest[0] == ',':
			p.words = append(p.words, word{",", i})
			i++
		default:
			n := strings.IndexAny(rest, ","+blanks)
			if n < 0 {
				n = len(rest)
			}
			p.words = append(p.words, word{rest[:n], i})
			i += n
		}
	}
	p.words = append(p.words, word{"", len(p.text)})
}

func (p *parser) peek() word { return p.words[0] }

func (p *parser) next() word {
	w := p.words[0]
	if w.text != "" {
		p.words = p.words[1:]
	}
	return w
}

// accept takes the next word if it is this one.
func (p *parser) accept(text string) bool {
	if p.peek().text != text {
		return false
	}
	p.next()
	return true
}

func at(offset int, err *Error) *Error {
	err.Offset = offset
	return err
}

func unexpected(w word, want string) *Error {
	if w.text == "" {
		return at(w.offset, errorf(ErrSyntax, "the schedule ends where %s should be", want))
	}
	return at(w.offset, errorf(ErrSyntax, "want %s, not %q", want, clip(w.text)))
}

func (p *parser) schedule() (Schedule, *Error) {
	if first := p.peek(); p.accept("linear") {
		return p.linear(first)
	}
	var s Schedule
	var begins []int
	for {
		begins = append(begins, p.peek().offset)
		step, err := p.step()
		if err != nil {
			return s, err
		}
		s.steps = append(s.steps, step)
		if p.accept(",") {
			// 102 steps cannot all rise; do not collect what a hostile text holds.
			if len(s.steps) > 101 {
				return s, at(p.peek().offset, errorf(ErrLowers, "more steps than there are percentages"))
			}
			continue
		}
		if w := p.peek(); w.text != "" {
			return s, unexpected(w, "a comma or the end")
		}
		break
	}
	if i, err := s.check(); err != nil {
		return s, at(begins[i], err)
	}
	return s, nil
}

func (p *parser) linear(first word) (Schedule, *Error) {
	over, err := p.duration()
	if err != nil {
		return Schedule{}, err
	}
	var every time.Duration
	if p.accept("every") {
		if every, err = p.duration(); err != nil {
			return Schedule{}, err
		}
	}
	if w := p.peek(); w.text != "" {
		return Schedule{}, unexpected(w, "every or the end")
	}
	s, lerr := Linear(over, every)
	if e := (*Error)(nil); errors.As(lerr, &e) {
		return s, at(first.offset, e)
	}
	return s, nil
}

func (p *parser) step() (Step, *Error) {
	w := p.next()
	if !strings.HasSuffix(w.text, "%") {
		return Step{}, unexpected(w, "a percentage such as 10%")
	}
	percent, perr := ParsePercent(w.text)
	if e := (*Error)(nil); errors.As(perr, &e) {
		return Step{}, at(w.offset, e)
	}
	step := Step{Percent: percent}
	if p.accept("at") {
		w := p.next()
		t, err := parseTime(w.text)
		if err != nil {
			return step, unexpected(w, "a time such as 2026-03-02T09:00Z")
		}
		step.At = t
	}
	if w := p.peek().text; w != "" && '0' <= w[0] && w[0] <= '9' && !strings.HasSuffix(w, "%") {
		d, err := p.duration()
		if err != nil {
			return step, err
		}
		step.Hold = d
	}
	step.Ask = p.accept("ask")
	return step, nil
}

func (p *parser) duration() (time.Duration, *Error) {
	w := p.next()
	d, ok := parseDuration(w.text)
	if !ok {
		return 0, unexpected(w, "a duration such as 2h, 90m or 5d")
	}
	if d <= 0 || d > maxRamp {
		return 0, at(w.offset, errorf(ErrRange, "want more than 0 and at most %s, not %s", formatDuration(maxRamp), clip(w.text)))
	}
	return d, nil
}

// parseDuration reads a Go duration, with days before it if there are any.
func parseDuration(s string) (time.Duration, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	var days time.Duration
	if n, rest, found := strings.Cut(s, "d"); found {
		count, err := strconv.ParseUint(n, 10, 16)
		if errors.Is(err, strconv.ErrRange) {
			return math.MaxInt64, true
		}
		if err != nil {
			return 0, false
		}
		days, s = time.Duration(count)*24*time.Hour, rest
		if s == "" {
			return days, true
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || s[0] < '0' || s[0] > '9' || d > math.MaxInt64-days {
		return 0, false
	}
	return days + d, true
}

// formatDuration leaves out what is zero, and writes whole days from two on as days.
func formatDuration(d time.Duration) string {
	if day := 24 * time.Hour; d >= 2*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

const minutes = "2006-01-02T15:04Z07:00"

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(minutes, s)
	if err != nil {
		if t, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return t, err
		}
	}
	if t.IsZero() {
		return t, errors.New("the year 1 means no time")
	}
	// A zone of its own, so that the result does not depend on where the program runs.
	if _, offset := t.Zone(); offset != 0 {
		return t.In(time.FixedZone("", offset)), nil
	}
	return t.UTC(), nil
}

func formatTime(t time.Time) string {
	if t.Second() == 0 && t.Nanosecond() == 0 {
		return t.Format(minutes)
	}
	return t.Format(time.RFC3339Nano)
}

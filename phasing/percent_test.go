package phasing

import (
	"errors"
	"math"
	"testing"
)

func TestEligibility(t *testing.T) {
	type line struct {
		Percent  Percent `json:"phased_percentage"`
		Eligible []int   `json:"eligible_device_percentages"` // first and last
		Values   int     `json:"eligible_values"`
		Share    float64 `json:"share_of_101"`
	}
	lines := readJSON[[]line](t, "eligibility.json")
	if len(lines) != 10 {
		t.Fatalf("%d lines, want 10", len(lines))
	}
	for _, l := range lines {
		in := 0
		for number := range 101 {
			want := len(l.Eligible) == 2 && l.Eligible[0] <= number && number <= l.Eligible[1]
			if got := l.Percent.Admits(number); got != want {
				t.Errorf("%v.Admits(%d) = %v, want %v", l.Percent, number, got, want)
			}
			if want {
				in++
			}
		}
		if in != l.Values {
			t.Errorf("%v admits %d numbers, want %d", l.Percent, in, l.Values)
		}
		if got := l.Percent.Share() * 100; math.Abs(got-l.Share) > 0.0006 {
			t.Errorf("%v.Share() = %.3f %%, want %.3f %%", l.Percent, got, l.Share)
		}
	}
}

func TestEntersAt(t *testing.T) {
	for number := range 101 {
		p := EntersAt(number)
		if !p.Admits(number) || (p - 1).Admits(number) {
			t.Errorf("EntersAt(%d) = %v, which is not the lowest that admits it", number, p)
		}
	}
}

func TestParsePercent(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Percent
		err  error
	}{
		{"0%", 0, nil}, {"100", 100, nil}, {"07%", 7, nil},
		{"101%", 0, ErrRange}, {"99999999999999999999", 0, ErrRange},
		{"", 0, ErrSyntax}, {"%", 0, ErrSyntax}, {"-1%", 0, ErrSyntax}, {"1.5%", 0, ErrSyntax}, {"1%%", 0, ErrSyntax}, {"٣%", 0, ErrSyntax},
	} {
		got, err := ParsePercent(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParsePercent(%q) = %v, %v, want %v, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestRaise(t *testing.T) {
	for _, tt := range []struct {
		current, next Percent
		err           error
	}{
		{0, 0, nil}, {0, 1, nil}, {10, 10, nil}, {99, 100, nil},
		{10, 9, ErrLowers}, {1, 0, ErrLowers}, {-1, 5, ErrRange}, {5, 101, ErrRange},
	} {
		got, err := Raise(tt.current, tt.next)
		if !errors.Is(err, tt.err) || err == nil && got != tt.next {
			t.Errorf("Raise(%v, %v) = %v, %v, want %v", tt.current, tt.next, got, err, tt.err)
		}
	}
}

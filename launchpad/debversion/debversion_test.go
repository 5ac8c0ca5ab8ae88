package debversion

import "testing"

func TestCompare(t *testing.T) {
	ascending := [][]string{ // within a line each is less than the next
		{"0.9", "0.10", "1", "1.0-0ubuntu1", "1.0-1", "1.0.1", "1:0.1", "2:0"},
		{"1.0~rc1-1", "1.0-1~ppa1", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0a-1", "1.0+1-1"},
		{"8.12+15.04.20160318-0ubuntu1", "8.12+15.04.20160509-0ubuntu1", "8.12+15.10.20160101-0ubuntu1"},
		{"1~~", "1~~a", "1~", "1", "1a", "1+", "1.0"},
		{"99999999999999999999", "100000000000000000000"},
	}
	for _, line := range ascending {
		for i, a := range line {
			for j, b := range line {
				want := 0
				if i < j {
					want = -1
				} else if i > j {
					want = 1
				}
				if got := Compare(a, b); got != want {
					t.Errorf("CompareVersions(%q, %q) = %d, want %d", a, b, got, want)
				}
			}
		}
	}
	for _, p := range [][2]string{{"1.0", "1.0-0"}, {"0:1.0", "1.0"}, {"1.00", "1.0"}, {"", ""}} {
		if got := Compare(p[0], p[1]); got != 0 {
			t.Errorf("CompareVersions(%q, %q) = %d, want 0", p[0], p[1], got)
		}
	}
}

func FuzzCompare(f *testing.F) {
	f.Add("1:1.0~rc1-1", "1.0-1+b1")
	f.Fuzz(func(t *testing.T, a, b string) {
		if x, y := Compare(a, b), Compare(b, a); x != -y || Compare(a, a) != 0 {
			t.Errorf("%q and %q: %d and %d", a, b, x, y)
		}
	})
}

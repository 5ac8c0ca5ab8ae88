package systemimage

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

// lenient lists where ParseIndex deliberately reads what a device refuses to.
var lenient = map[string]string{
	"AssertionError timestamps must be UTC": "an odd time is reported by Generated, so that an operator can read the images",
	"ValueError time data":                  "likewise",
	"ValueError day is out of range":        "likewise",
	"ValueError second must be in 0..59":    "likewise",
	"KeyError 'generated_at'":               "likewise; the server has no time before its first commit",
	"TypeError Image.__init__() got mult":   "a field named self is reported by Check",
}

func TestParseIndexLikeADevice(t *testing.T) {
	type image struct {
		Type         string
		Version      any
		Base         any
		Phased       int
		Detail       string `json:"version_detail"`
		Descriptions map[string]*string
	}
	type indexCase struct {
		Name      string
		Text      string `json:"index_text"`
		Verdict   string
		Stage     string
		Error     string
		ErrorText string            `json:"error_text"`
		Generated string            `json:"generated_at"`
		DetailMap map[string]string `json:"version_detail_map"`
		Images    []image
	}
	seen := map[string]bool{}
	for _, tt := range fixture.Cases[indexCase](t, "testdata/client/index-cases.json") {
		t.Run(tt.Name, func(t *testing.T) {
			x, err := ParseIndex([]byte(tt.Text))
			if tt.Stage == "parse" {
				for what := range lenient {
					if strings.HasPrefix(tt.Error+" "+tt.ErrorText, what) {
						seen[what] = true
						if err != nil {
							t.Fatalf("ParseIndex: %v, want it read", err)
						}
						_, terr := x.Generated()
						if strings.HasPrefix(what, "TypeError") != (terr == nil) {
							t.Errorf("Generated: error %v", terr)
						}
						return
					}
				}
				if err == nil {
					t.Fatalf("ParseIndex read it, want an error like the device's %s %s", tt.Error, tt.ErrorText)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			at, err := x.Generated()
			if err != nil {
				t.Error(err)
			}
			if got := at.Format("2006-01-02T15:04:05+00:00"); got != tt.Generated {
				t.Errorf("Generated = %s, want %s", got, tt.Generated)
			}
			if len(x.Images) != len(tt.Images) {
				t.Fatalf("%d images, want %d", len(x.Images), len(tt.Images))
			}
			for i, m := range x.Images {
				got := image{m.Type, float64(m.Version), nil, m.Percentage, m.VersionDetail, map[string]*string{}}
				if m.NullVersion {
					got.Version = nil
				}
				if m.Type == Delta && m.Unknown["base"] == nil {
					got.Base = float64(m.Base)
				}
				want := tt.Images[i]
				if want.Version == true {
					want.Version = 1.0 // counts as 1
				}
				if strings.Contains(tt.Name, "float") && m.NullVersion {
					want.Version = nil // no integer
				}
				if _, odd := m.Unknown["base"]; odd {
					got.Base, want.Base = nil, nil
				}
				if m.Description != "" {
					got.Descriptions["description"] = &m.Description
				}
				for k, v := range m.Descriptions {
					got.Descriptions[k] = &v
				}
				for k := range m.Unknown {
					if strings.HasPrefix(k, "description") {
						got.Descriptions[k] = nil
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("image %d (-want +got):\n%s", i, diff)
				}
				detail := map[string]string{}
				for _, e := range m.Detail() {
					detail[e.Key] = e.Value
				}
				if tt.DetailMap != nil && !reflect.DeepEqual(detail, tt.DetailMap) {
					t.Errorf("Detail = %v, want %v", detail, tt.DetailMap)
				}
			}
			again, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			y, err := ParseIndex(again)
			if diff := cmp.Diff(x, y); err != nil || diff != "" {
				t.Errorf("written and read again: %v (-want +got):\n%s\n%s", err, diff, again)
			}
		})
	}
	for what, why := range lenient {
		if !seen[what] {
			t.Errorf("no case for the difference %q (%s)", what, why)
		}
	}
}

// Fields with the names of arguments in the client end the reading of an index for
// every device, also for those that may not take the image.
func TestCheckReservedFields(t *testing.T) {
	const text = `{"global": {"generated_at": "Tue Mar 01 01:01:01 UTC 2016"}, "images": [
		{"type": "full", "version": 7, "minversion": 5, %s "files": [{"path": "/a", "signature": "/a.asc", "checksum": "0", "size": 1, %s "order": 0}]}]}`
	for _, tt := range []struct{ image, file, want string }{
		{"", "", ""},
		{`"selfie": 1,`, `"Self": 1,`, ""},
		{`"self": 1,`, "", "images[0].self"},
		{`"converters": null,`, "", "images[0].converters"},
		{"", `"self": "x",`, "images[0].files[0].self"},
		{"", `"converters": {},`, "images[0].files[0].converters"},
	} {
		x, err := ParseIndex(fmt.Appendf(nil, text, tt.image, tt.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{x.Check(), x.CheckFor(0), x.CheckFor(6)} {
			var e *Error
			if tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &e) || e.Place != tt.want || !errors.Is(err, ErrBroken)) {
				t.Errorf("%s %s: %v, want ErrBroken at %q", tt.image, tt.file, err, tt.want)
			}
		}
	}
}

// Whether devices that have the image before the newest one get a delta.
func TestIndexWithoutDelta(t *testing.T) {
	full := func(n int) Image { return Image{Type: Full, Version: n} }
	delta := func(from, to int) Image { return Image{Type: Delta, Version: to, Base: from} }
	for name, tt := range map[string]struct {
		images []Image
		base   int
		lacks  bool
	}{
		"empty":              {nil, 0, false},
		"the first":          {[]Image{full(1)}, 0, false},
		"with its delta":     {[]Image{full(1), full(3), delta(1, 3)}, 1, false},
		"without":            {[]Image{full(1), full(3)}, 1, true},
		"from an older one":  {[]Image{full(1), full(2), full(3), delta(1, 3)}, 2, true},
		"only to the former": {[]Image{full(1), full(2), delta(1, 2), full(3)}, 2, true},
	} {
		if base, lacks := (&Index{Images: tt.images}).WithoutDelta(); base != tt.base || lacks != tt.lacks {
			t.Errorf("%s: from %d: %v, want from %d: %v", name, base, lacks, tt.base, tt.lacks)
		}
	}
}

// Which deltas outlived the image that they lead from.
func TestIndexWithoutBase(t *testing.T) {
	full := func(n int) Image { return Image{Type: Full, Version: n} }
	delta := func(from, to int) Image { return Image{Type: Delta, Version: to, Base: from} }
	for name, tt := range map[string]struct {
		images []Image
		want   map[int][]int
	}{
		"empty":    {nil, map[int][]int{}},
		"whole":    {[]Image{full(1), full(2), delta(1, 2)}, map[int][]int{}},
		"one gone": {[]Image{full(2), delta(1, 3), delta(1, 2), full(3), delta(2, 3)}, map[int][]int{1: {2, 3}}},
	} {
		if d := cmp.Diff(tt.want, (&Index{Images: tt.images}).WithoutBase()); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
}

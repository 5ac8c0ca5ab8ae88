package launchpad

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestField(t *testing.T) {
	type body struct {
		Flag Field[bool]           `json:"flag"`
		Num  Field[int]            `json:"num"`
		Dict Field[map[string]any] `json:"dict"`
		Text string                `json:"text"`
		Link Link                  `json:"link"`
		Time Time                  `json:"time"`
		Took Duration              `json:"took"`
	}
	tests := []struct {
		name, in string
		want     body
	}{
		{"values", `{"flag":true,"num":3,"dict":{"a":"b"},"text":"x","link":"https://h/~me","time":"2016-05-09T08:24:10.9+00:00","took":"0:00:01"}`,
			body{Set(true), Set(3), Set(map[string]any{"a": "b"}), "x", "https://h/~me", Time{time.Date(2016, 5, 9, 8, 24, 10, 9e8, time.UTC)}, Duration{time.Second}}},
		{"known false", `{"flag":false,"num":0,"dict":{}}`, body{Flag: Set(false), Num: Set(0), Dict: Set(map[string]any{})}},
		{"null", `{"flag":null,"num":null,"dict":null,"text":null,"link":null,"time":null,"took":null}`, body{}},
		{"missing, and new keys", `{"later":[1,{"x":2}]}`, body{}},
		{"redacted", `{"flag":"tag:launchpad.net:2008:redacted","num":"tag:launchpad.net:2008:redacted","dict":"tag:launchpad.net:2008:redacted","text":"tag:launchpad.net:2008:redacted","link":"tag:launchpad.net:2008:redacted","time":"tag:launchpad.net:2008:redacted","took":"tag:launchpad.net:2008:redacted"}`,
			body{Flag: Field[bool]{Redacted: true}, Num: Field[int]{Redacted: true}, Dict: Field[map[string]any]{Redacted: true}, Text: Redacted, Link: Redacted}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got body
			if err := json.Unmarshal([]byte(tt.in), &got); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			b, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var again body
			if err := json.Unmarshal(b, &again); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got, again); d != "" {
				t.Errorf("round trip (-first +again)\n%s", d)
			}
		})
	}
}

func TestTime(t *testing.T) {
	tests := []struct {
		in   string
		want string
	}{
		{`"2016-05-09T08:24:10.902817+00:00"`, "2016-05-09T08:24:10.902817Z"},
		{`"2016-05-09T08:24:10+00:00"`, "2016-05-09T08:24:10Z"},
		{`"2016-05-09T08:24:10.5+00:00"`, "2016-05-09T08:24:10.5Z"},
		{`"2016-05-09T10:24:10+02:00"`, "2016-05-09T08:24:10Z"},
		{`"2016-05-09T08:24:10Z"`, "2016-05-09T08:24:10Z"},
		{`null`, "0001-01-01T00:00:00Z"},
		{`20160509`, "error"}, {`"2016-05-09"`, "error"}, {`"2016-05-09T08:24:10"`, "error"}, {`{}`, "error"},
	}
	for _, tt := range tests {
		var v Time
		got := "error"
		if err := json.Unmarshal([]byte(tt.in), &v); err == nil {
			got = v.Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("%s = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		in   string
		want time.Duration
	}{
		{"0:17:44.579132", 17*time.Minute + 44*time.Second + 579132*time.Microsecond},
		{"0:00:59", 59 * time.Second},
		{"1 day, 2:03:04.000005", 26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Microsecond},
		{"12 days, 0:00:00", 288 * time.Hour},
		{"-1 day, 23:59:59", -time.Second},
		{"23:59:59.999999", 24*time.Hour - time.Microsecond},
	}
	for _, tt := range tests {
		var d Duration
		if err := json.Unmarshal([]byte(`"`+tt.in+`"`), &d); err != nil || d.Duration != tt.want {
			t.Errorf("%s = %v, %v, want %v", tt.in, d.Duration, err, tt.want)
		}
		if b, _ := json.Marshal(d); string(b) != `"`+tt.in+`"` {
			t.Errorf("%v written as %s, want %s", d.Duration, b, tt.in)
		}
	}
	for _, in := range []string{"", "17:44", "0:60:00", "0:00:60", "a:00:00", "1 week, 0:00:00", "0:0:0", "24:00:00", "0:00:00.", "0:00:00.1234567", "+1:00:00", "9999999 days, 0:00:00"} {
		var d Duration
		if err := json.Unmarshal([]byte(`"`+in+`"`), &d); err == nil {
			t.Errorf("%q = %v, want an error", in, d)
		}
	}
}

func TestLink(t *testing.T) {
	tests := []struct {
		in   Link
		name string
		id   int
	}{
		{"https://api.launchpad.net/devel/ubuntu/vivid/armhf", "armhf", 0},
		{"https://api.launchpad.net/devel/~ci-train-bot", "ci-train-bot", 0},
		{"https://api.launchpad.net/devel/~a/+archive/ubuntu/b/+sourcepub/52040", "52040", 52040},
		{Redacted, "", 0}, {"", "", 0},
	}
	for _, tt := range tests {
		if tt.in.Name() != tt.name || tt.in.ID() != tt.id {
			t.Errorf("%q: name %q, id %d, want %q, %d", tt.in, tt.in.Name(), tt.in.ID(), tt.name, tt.id)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"0:17:44.579132", "1 day, 2:03:04.000005", "-1 day, 23:59:59"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDuration(s)
		if err != nil || d == 0 {
			return
		}
		b, _ := json.Marshal(Duration{d})
		var again Duration
		if err := json.Unmarshal(b, &again); err != nil || again.Duration != d {
			t.Errorf("%q = %v, written %s, read again %v, %v", s, d, b, again, err)
		}
	})
}

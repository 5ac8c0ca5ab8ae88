package value

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
	}
	tests := []struct {
		name, in string
		want     body
	}{
		{"values", `{"flag":true,"num":3,"dict":{"a":"b"},"text":"x","link":"https://h/~me","time":"2016-05-09T08:24:10.9+00:00"}`,
			body{known(true), known(3), known(map[string]any{"a": "b"}), "x", "https://h/~me", Time{time.Date(2016, 5, 9, 8, 24, 10, 9e8, time.UTC)}}},
		{"known false", `{"flag":false,"num":0,"dict":{}}`, body{Flag: known(false), Num: known(0), Dict: known(map[string]any{})}},
		{"null", `{"flag":null,"num":null,"dict":null,"text":null,"link":null,"time":null}`, body{}},
		{"missing, and new keys", `{"later":[1,{"x":2}]}`, body{}},
		{"redacted", `{"flag":"tag:launchpad.net:2008:redacted","num":"tag:launchpad.net:2008:redacted","dict":"tag:launchpad.net:2008:redacted","text":"tag:launchpad.net:2008:redacted","link":"tag:launchpad.net:2008:redacted","time":"tag:launchpad.net:2008:redacted"}`,
			body{Flag: Field[bool]{Redacted: true}, Num: Field[int]{Redacted: true}, Dict: Field[map[string]any]{Redacted: true}, Text: string(Redacted), Link: Redacted}},
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

func known[T any](v T) Field[T] { return Field[T]{Value: v, Known: true} }

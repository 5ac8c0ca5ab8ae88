package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadInput(t *testing.T) {
	t.Parallel()
	const head = "{\n  \"problem\": \"it opens\",\n"
	for name, tt := range map[string]struct {
		text string
		want string // the beginning of the error, after the name of the file
	}{
		"a time":             {head + `  "grace": "48h", "packages": ["unity8"], "schedule": "linear 5h"}`, ""},
		"without its unit":   {head + `  "grace": 48}`, `:3: grace: 48 is no time: write it with its unit, such as "48h"`},
		"no time":            {head + `  "grace": "two days"}`, `:3: grace: "two days" is no time`},
		"null":               {head + `  "grace": null}`, `:3: grace: null is no time`},
		"misspelt":           {head + `  "garce": "48h"}`, `:3: garce: there is no such field`},
		"misspelt in a list": {head + `  "builds": [{"project": "p"},` + "\n" + `    {"chanels": []}]}`, `:4: chanels: there is no such field`},
		"another kind":       {head + `  "packages": "unity8"}`, `:3: packages: a string is written where a list is wanted`},
		"a number":           {head + `  "tag": 4}`, `:3: tag: a number is written where a text in quotes is wanted`},
		"deep":               {head + `  "builds": [` + "\n" + `    {"channels": "rc"}]}`, `:4: builds.channels: a string`},
		"a schedule":         {head + `  "schedule": "1% 2h ask, 100% ask"}`, `:3: schedule: `},
		"no JSON":            {head + `  "tag": OTA}`, `:3: invalid character`},
		"cut":                {head, `:3: the text ends too early`},
		"empty":              {"", `:1: the text ends too early`},
		"two":                {head + `  "tag": "a"}` + "\n{}", `:4: something follows the end`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "hotfix.json")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			in, _, err := readInput(file)
			switch {
			case tt.want == "" && (err != nil || in.Grace != 48*time.Hour || in.Problem != "it opens" || len(in.Schedule.Steps()) == 0):
				t.Errorf("readInput() = %+v, %v", in, err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), file+tt.want)):
				t.Errorf("error %v, want %s", err, tt.want)
			case err != nil && (strings.Contains(err.Error(), "json: ") || strings.Contains(err.Error(), "Go ")):
				t.Errorf("error %v speaks of Go", err)
			}
		})
	}
}

// All that is wrong is said at once: first how it is written, then what it says.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"how": {`{
  "problem": 4,
  "garce": "48h",
  "grace": 48,
  "tag": "OTA-4.1",
  "builds": [
    {"project": "ubuntu-touch",
     "chanels": []},
    {"file": 7}
  ],
  "tag": "OTA-4.2"
}`, `:2: problem: a number is written where a text in quotes is wanted
:3: garce: there is no such field: it may be misspelt
:4: grace: 48 is no time: write it with its unit, such as "48h"
:8: chanels: there is no such field: it may be misspelt
:9: builds.file: a number is written where a text in quotes is wanted
:11: tag: it stands in line 5 already`},
		"what": {`{
  "problem": "it opens", "support": "the night shift",
  "grace": "-1h",
  "security": "ppa:a/b", "snapshot": "ppa:a/c", "overlay": "d",
  "packages": ["unity8"], "series": "vivid",
  "from": "rc", "to": "stable",
  "builds": [
    {"project": "ubuntu-touch", "image_type": "daily-preinstalled", "series": "vivid",
     "file": "ubuntu", "images": "/srv",
     "channels": ["ubuntu-touch/rc/a", "ubuntu-touch/stable/b"]}
  ]
}`, `:1: tag: a hotfix needs to know: tag
:4: overlay: "d": the PPAs of fix, snapshot and overlay are named ppa:OWNER/NAME
:3: grace: the grace period is negative
:10: builds[0].channels: channel ubuntu-touch/stable/b has no path element "rc"`},
		"nothing": {string(sample), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "hotfix.json")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			in, at, err := readInput(file)
			if err == nil {
				for i := range in.Builds { // as the program fills it in
					in.Builds[i].Folder = "/srv"
				}
				err = at.faults(in)
			}
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), file, "")
			}
			if d := cmp.Diff(strings.Split(tt.want, "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

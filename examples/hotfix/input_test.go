package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
			in, err := readInput(file)
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

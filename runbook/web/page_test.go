package web_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
)

// Both pages say what a run does and waits for, and refuse to be more than that.
func TestPages(t *testing.T) {
	s := newScene(t)
	if _, text := s.get(t, "/", "anna"); !strings.Contains(text, "There is no run yet") {
		t.Errorf("an empty folder:\n%s", text)
	}
	wantPending(t, s.run(t, "OTA-5.journal", release(42)))
	write(t, filepath.Join(s.dir, "notes.txt"), "no journal")
	write(t, filepath.Join(s.dir, "damaged.journal"), `{"format":1,"n":1}`+"\n")
	for _, tc := range []struct {
		name, path, user string
		status           int
		says             []string
	}{
		{"list", "/", "anna", 200, []string{"OTA-5.journal", "waits for a person", "Release these images?", "not to be answered by olga", "you are <strong>anna</strong>", "damaged.journal"}},
		{"list, filtered", "/?state=waits+for+a+person&find=ota", "", 200, []string{"OTA-5.journal", "read-only"}},
		{"list, nothing found", "/?find=absent", "", 200, []string{"No run is as you look for it"}},
		{"run", "/run/OTA-5.journal/", "anna", 200, []string{"waits for an answer", "arale   image 42\nkrillin image 7", `<form method="post" action="answer">`,
			"copy build 42 to rc", "tag", "have the question answered by somebody else than olga, then start it again", "Time line"}},
		{"run, excluded", "/run/OTA-5.journal/", "olga", 200, []string{"Olga may not answer this; it needs somebody else."}},
		{"run, unknown", "/run/OTA-5.journal/", "", 200, []string{"read-only for you"}},
		{"run, damaged", "/run/damaged.journal/", "anna", 200, []string{"The journal is damaged", "not a journal line"}},
		{"report", "/run/OTA-5.journal/report.html", "", 200, []string{"<style>", "Release these images?"}},
		{"report in Markdown", "/run/OTA-5.journal/report.md", "", 200, []string{"# release: waits for an answer", "```\n  arale   image 42"}},
		{"report, damaged", "/run/damaged.journal/report.md", "", 409, []string{"would not be true"}},
		{"refused", "/", "mallory", 403, []string{"your session is over"}},
		{"no journal", "/run/notes.txt/", "anna", 404, []string{"no such page or run"}},
		{"no page", "/absent", "anna", 404, []string{"no such page or run"}},
		{"style sheet", "/static/board.css", "", 200, []string{"prefers-color-scheme"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, text := s.get(t, tc.path, tc.user)
			if status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
			contains(t, text, tc.says...)
		})
	}
	if _, text := s.get(t, "/", ""); strings.Contains(text, "notes.txt") {
		t.Error("the list has a file that is no journal")
	}
	if _, text := s.get(t, "/run/OTA-5.journal/", "olga"); strings.Contains(text, "<form") {
		t.Error("who is excluded is offered a form")
	}
}

// Programs read what -status -json prints, and the lines as they are.
func TestJSON(t *testing.T) {
	s := newScene(t)
	wantPending(t, s.run(t, "OTA-5.journal", release(42)))
	want, err := runbook.ReadStatus(filepath.Join(s.dir, "OTA-5.journal"))
	if err != nil {
		t.Fatal(err)
	}
	_, text := s.get(t, "/run/OTA-5.journal/", "", "Accept: application/json")
	var got runbook.Status
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want.Read = got.Read // when it was looked at
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	_, text = s.get(t, "/", "", "Accept: application/json")
	var list struct {
		Runs []map[string]any `json:"runs"`
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil || len(list.Runs) != 1 {
		t.Fatalf("%v in %s", err, text)
	}
	run := list.Runs[0]
	if run["name"] != "OTA-5.journal" || run["state"] != "waits for a person" || run["outcome"] != "pending" || run["procedure"] != "release" || run["operator"] != "olga" {
		t.Errorf("in the list: %v", run)
	}
	status, text := s.get(t, "/run/absent/", "", "Accept: application/json")
	if diff := cmp.Diff(`{"error":"there is no such page or run here"}`+"\n", text); status != 404 || diff != "" {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
	_, records := s.get(t, "/run/OTA-5.journal/records", "")
	if diff := cmp.Diff(read(t, filepath.Join(s.dir, "OTA-5.journal")), records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

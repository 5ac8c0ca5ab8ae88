package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landingteam/landing/runbook/procedure"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, "12 crashes\nmore of it")
	}))
	defer web.Close()
	for _, tt := range []struct {
		name    string
		health  func(context.Context) (procedure.Health, error)
		want    procedure.Health
		wantErr bool
	}{
		{"command", healthCommand("echo all well; echo more"), procedure.Health{Why: "all well"}, false},
		{"bad command", healthCommand("echo 12 crashes >&2; exit 7"), procedure.Health{Bad: true, Why: "12 crashes"}, false},
		{"silent bad command", healthCommand("exit 7"), procedure.Health{Bad: true, Why: "exit status 7"}, false},
		{"killed command", healthCommand("kill -9 $$"), procedure.Health{}, true},
		{"URL", healthURL(web.URL + "/good"), procedure.Health{Why: "12 crashes"}, false},
		{"bad URL", healthURL(web.URL + "/bad"), procedure.Health{Bad: true, Why: "503 Service Unavailable 12 crashes"}, false},
		{"nobody there", healthURL("http://127.0.0.1:1/"), procedure.Health{}, true},
	} {
		got, err := tt.health(t.Context())
		if got != tt.want || (err != nil) != tt.wantErr {
			t.Errorf("%s: %+v, %v, want %+v, an error: %v", tt.name, got, err, tt.want, tt.wantErr)
		}
	}
}

// An error of the health address is journalled and reported: it tells no secret.
func TestHealthTellsNoSecrets(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://me:hunter2@127.0.0.1:1/health?token=hunter2", "http://me:hunter2@127.0.0.1:x/", "http://127.0.0.1:1/\x00?token=hunter2"} {
		_, err := healthURL(address)(t.Context())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want an error without the secret", err)
		}
	}
}

func TestAnnounceCommand(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sent")
	a := procedure.Announcement{Subject: "Update withdrawn; `date`", Body: "krillin: image 2\n$HOME"}
	if err := announceCommand(`(echo "$SUBJECT"; cat) >`+file)(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if want := a.Subject + "\n" + a.Body + "\n"; err != nil || string(got) != want {
		t.Errorf("sent %q, %v, want %q", got, err, want)
	}
	if err := announceCommand("echo no such list >&2; false")(t.Context(), a); err == nil || !strings.Contains(err.Error(), "no such list") {
		t.Errorf("a command that fails: %v", err)
	}
}

package launchpad

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzNames feeds the names people type: whatever comes out must be an entry
// of the client's own service.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"ppa:o/n", "~o/ubuntu/n", "ubuntu", "https://launchpad.net/~o/+archive/ubuntu/n", "https://api.launchpad.net/1.0/~o/+archive/ubuntu/n", "https://evil.example/~o/+archive/ubuntu/n", "ppa:../../x", "~%2e%2e/a/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := &Client{}
		l, err := c.archiveLink(s)
		if err != nil {
			return
		}
		req, err := http.NewRequest("GET", string(l), nil)
		if err != nil {
			t.Fatalf("%q = %q: %v", s, l, err)
		}
		if u := req.URL; u.Host != "api.launchpad.net" || u.Scheme != "https" || !strings.HasPrefix(u.Path, "/devel/") || strings.Contains(u.Path, "/../") || u.RawQuery != "" || u.User != nil {
			t.Errorf("%q = %q", s, l)
		}
	})
}

// FuzzAnswers serves any body to the paging iterator, which must end.
func FuzzAnswers(f *testing.F) {
	names, _ := filepath.Glob("testdata/bodies/*")
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, b)
		f.Add(503, b)
	}
	f.Fuzz(func(t *testing.T, status int, b []byte) {
		if status < 200 || status > 599 {
			return
		}
		n := 0
		c := clientOn(func(*http.Request) *http.Response {
			if n++; n > 1 {
				return answer(404, "enough")
			}
			return answer(status, string(b))
		})
		c.Retries = -1
		for _, err := range c.Sources(t.Context(), api+"ubuntu/+archive/primary", PublicationFilter{}) {
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\x00\x7f") {
				t.Errorf("control characters in %q", err)
			}
		}
	})
}

// FuzzLedger opens any file as a ledger: it is taken or refused, and what was
// taken can be added to and read again.
func FuzzLedger(f *testing.F) {
	f.Add([]byte(`{"format":1,"to":"https://h/x","taken":"2016-05-10T09:00:00+00:00","name":"mir","version":"1","time":"2016-05-10T09:00:00+00:00","answer":"accepted"}` + "\n" + `{"form`))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "ledger")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		plan := &Plan{To: "https://h/x"}
		l, err := openLedger(path, plan)
		if err != nil {
			if got, _ := os.ReadFile(path); !strings.HasPrefix(string(b), string(got)) {
				t.Errorf("a ledger that was refused was changed")
			}
			return
		}
		if err := l.note(version{"mir", "9"}, plan.Taken.Time, refused, "why"); err != nil {
			t.Fatal(err)
		}
		l.close()
		again, err := openLedger(path, plan)
		if err != nil {
			t.Fatalf("after a note: %v", err)
		}
		defer again.close()
		if again.seen[version{"mir", "9"}].Sentence != "why" || len(again.seen) < len(l.seen) {
			t.Errorf("%d entries before, %d after", len(l.seen), len(again.seen))
		}
	})
}

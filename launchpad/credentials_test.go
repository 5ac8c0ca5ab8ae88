package launchpad

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCredentialsFile(t *testing.T) {
	fixture := string(body(t, "credentials-file.ini.txt"))
	for name, text := range map[string]string{
		"as written":   fixture,
		"CRLF":         strings.ReplaceAll(fixture, "\n", "\r\n"),
		"no newline":   strings.TrimRight(fixture, "\n"),
		"BOM":          "\ufeff" + fixture,
		"keyring":      "<B64>" + base64.StdEncoding.EncodeToString([]byte(fixture)),
		"comment":      "# mine\n; too\n" + fixture,
		"other format": fixture + "[2]\naccess_token = other\n",
	} {
		c := new(Credentials)
		err := c.UnmarshalText([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if h := c.header("", time.Unix(1, 0)); c.ConsumerKey != "landing-tool" || !strings.Contains(h, `oauth_token="accTokCCCCCCCCCCCCCC"`) || !strings.Contains(h, `oauth_signature="%26accSecretDDDDDDDDDDDDDDDDDDDDDDDDDDDD"`) {
			t.Errorf("%s: key %q", name, c.ConsumerKey)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "no section": strings.TrimPrefix(fixture, "[1]\n"), "no token": "[1]\nconsumer_key = x\naccess_secret = sesame\n",
		"bad base64": "<B64>sesame!", "junk": "[1]\nsesame\n", "control": "[1]\nconsumer_key=a\naccess_token=b\x00\naccess_secret=sesame\n",
	} {
		if err := new(Credentials).UnmarshalText([]byte(text)); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want an error without the secret", name, err)
		}
	}
}

func TestCredentialsWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := NewCredentials("tool", "tok", "sec").WriteFile(path); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", fi.Mode(), err)
	}
	t.Setenv(credentialsEnv, path)
	c := new(Credentials)
	err = c.ReadFile("")
	if err != nil || c.secrets() != (secrets{token: "tok", secret: "sec"}) {
		t.Errorf("read back: %v", err)
	}
	t.Setenv(credentialsEnv, "")
	if err := c.ReadFile(""); !errors.Is(err, ErrNoCredentials) || !strings.Contains(err.Error(), credentialsEnv) {
		t.Errorf("no path: %v", err)
	}
	if err := NewCredentials("tool", "tok\nevil = 1", "sec").WriteFile(path); err == nil {
		t.Error("wrote a token of two lines")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".cred*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := NewCredentials("tool", "hush-token", "hush-secret")
	type holder struct {
		Public  *Credentials
		Value   Credentials
		private *Credentials
		inner   Credentials
	}
	h := holder{c, *c, c, *c}
	var out strings.Builder
	for _, v := range []any{c, *c, h, &h, []any{h}, map[string]holder{"x": h}, &Client{Credentials: c}, Client{Credentials: c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", c, "h", h)
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	for _, s := range []string{"hush", fmt.Sprintf("%x", "hush")} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%q is printed in\n%s", s, out.String())
		}
	}
}

func TestLogin(t *testing.T) {
	tests := []struct {
		name    string
		replies []int // of the access token page
		want    error
	}{
		{"granted", []int{401, 503, 401, 200}, nil},
		{"connection broken meanwhile", []int{401, 0, 0, 200}, nil},
		{"a page instead of a token", []int{302}, ErrRefused},
		{"refused", []int{401, 403}, ErrRefused},
		{"nobody", []int{401}, ErrTimeout},
		{"bad signature", []int{499}, ErrToken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var polls int
			now := time.Unix(0, 0)
			c := &Client{
				Consumer: "landing-tool",
				Now:      func() time.Time { return now },
				Sleep:    func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
				HTTP: &http.Client{Transport: answers(func(r *http.Request) *http.Response {
					b, _ := io.ReadAll(r.Body)
					form, _ := url.ParseQuery(string(b))
					if r.Method != "POST" || r.URL.Host != "launchpad.net" || r.Header.Get("Referer") != "https://launchpad.net/" || r.Header.Get("Authorization") != "" || form.Get("oauth_consumer_key") != "landing-tool" {
						t.Errorf("%s %s %v %v", r.Method, r.URL, r.Header, form)
					}
					if r.URL.Path == "/+request-token" {
						return answer(200, string(body(t, "oauth-request-token-200.txt")))
					}
					if form.Get("oauth_token") != "reqTokAAAAAAAAAAAAAA" || form.Get("oauth_signature") != "&reqSecretBBBBBBBBBBBBBBBBBBBBBBBBBBBB" {
						t.Errorf("form %v", form)
					}
					status := tt.replies[min(polls, len(tt.replies)-1)]
					polls++
					switch status {
					case 0:
						return nil
					case 200:
						return answer(200, string(body(t, "oauth-access-token-200.txt")))
					case 401:
						return answer(401, string(body(t, "oauth-401-not-reviewed.txt")))
					case 403:
						return answer(403, string(body(t, "oauth-403-refused.txt")))
					case 499:
						return answer(401, "Invalid OAuth signature. &reqSecretBBBBBBBBBBBBBBBBBBBBBBBBBBBB")
					}
					return answer(status, "")
				})},
			}
			var shown string
			cred, err := c.Login(t.Context(), func(u string) { shown = u }, "WRITE_PRIVATE")
			if shown != "https://launchpad.net/+authorize-token?allow_permission=WRITE_PRIVATE&oauth_token=reqTokAAAAAAAAAAAAAA" {
				t.Errorf("shown %s", shown)
			}
			if tt.want != nil {
				if !errors.Is(err, tt.want) || strings.Contains(err.Error(), "Secret") {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				return
			}
			if err != nil || cred.secrets() != (secrets{token: "accTokCCCCCCCCCCCCCC", secret: "accSecretDDDDDDDDDDDDDDDDDDDDDDDDDDDD"}) {
				t.Errorf("got %v", err)
			}
		})
	}
	c := &Client{HTTP: &http.Client{Transport: answers(func(*http.Request) *http.Response { t.Error("asked for a token"); return nil })}}
	if _, err := c.Login(t.Context(), nil); !errors.Is(err, ErrNoCredentials) {
		t.Errorf("unattended: %v", err)
	}
}

func TestTokenForms(t *testing.T) {
	want := [2]string{"reqTokAAAAAAAAAAAAAA", "reqSecretBBBBBBBBBBBBBBBBBBBBBBBBBBBB"}
	for _, name := range []string{"oauth-request-token-200.txt", "oauth-request-token-200.json"} {
		if token, secret := parseToken(body(t, name)); [2]string{token, secret} != want {
			t.Errorf("%s: %q, %q", name, token, secret)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte("[1]\r\nconsumer_key = a\nconsumer_secret =\naccess_token=b\naccess_secret : c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := new(Credentials)
		if c.UnmarshalText(b) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "c")
		if err := c.WriteFile(path); err != nil {
			return // a value that does not survive is refused, not changed
		}
		again := new(Credentials)
		err := again.ReadFile(path)
		if err != nil || again.ConsumerKey != c.ConsumerKey || again.secrets() != c.secrets() {
			t.Errorf("%q: read back differently: %v", b, err)
		}
	})
}

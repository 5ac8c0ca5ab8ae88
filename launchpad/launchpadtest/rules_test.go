package launchpadtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

// post runs a write operation as the operator.
func post(t testing.TB, s *launchpadtest.Server, path, form string) string {
	t.Helper()
	status, body := raw(t, s, "POST", path, form, "Authorization", asOperator)
	return fmt.Sprintf("%d %s", status, body)
}

const (
	toSnapshot = "~landing-team/+archive/ubuntu/snapshot"
	ofOverlay  = "&from_archive=/~landing-team/%2Barchive/ubuntu/overlay"
)

// TestCountRules: builds that were cancelled are in no count, and not in a list of
// another state; lists of an archive's builds are ordered by when they ended, that of
// all by when they were made.
func TestCountRules(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		for n, b := range w.Builds {
			b.Created, b.Ended = w.Now.Add(time.Duration(n)), w.Now.Add(-time.Duration(n))
		}
	})
	setBuild(s, "unity8", launchpad.Cancelling, launchpad.Cancelled, launchpad.NeedsBuilding)
	setBuild(s, "mir", launchpad.ChrootProblem)
	ppa := "~landing-team/+archive/ubuntu/overlay?ws.op="
	for path, want := range map[string]string{
		ppa + "getBuildCounters":                          `{"failed":1,"pending":1,"succeeded":2,"superseded":0,"total":4}`,
		ppa + "getBuildCounters&include_needsbuild=false": `{"failed":1,"pending":0,"succeeded":2,"superseded":0,"total":3}`,
		ppa + "getBuildCounters&include_needsbuild=no":    `include_needsbuild: got 'str', expected bool: 'no'`,
	} {
		if _, body := raw(t, s, "GET", path, ""); body != want {
			t.Errorf("%s: %s, want %s", path, body, want)
		}
	}
	for state, want := range map[string]string{"": "i386 armhf amd64 i386 armhf amd64", "Successfully built": "armhf i386"} {
		_, body := raw(t, s, "GET", ppa+"getBuildRecords&build_state="+url.QueryEscape(state), "")
		var page struct{ Entries []launchpad.Build }
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range page.Entries {
			got = append(got, b.Arch())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %s, want %s", state, got, want)
		}
	}
}

// TestCreationRules says who may make what PPA.
func TestCreationRules(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) { w.AddPerson("hidden-team", "operator").Private = true })
	for _, tt := range []struct{ team, form, want string }{
		{"landing-team", "&name=x&private=true", "400 operator is not allowed to make private PPAs"},
		{"landing-team", "&name=overlay&private=true", "400 operator is not allowed to make private PPAs"},
		{"hidden-team", "&name=x", "400 Private teams may not have public archives."},
		{"hidden-team", "&name=ubuntu", "400 Private teams may not have public archives."},
		{"hidden-team", "&name=x&private=true", "201 "},
		{"landing-team", "", "201 "},
		{"landing-team", "&name=ppa", "400 Landing Team already has a PPA for Ubuntu named 'ppa'."},
		{"operator", "&name=mine", "201 "},
		{"operator", "&name=mine", "400 You already have a PPA for Ubuntu named 'mine'."},
	} {
		if got := post(t, s, "~"+tt.team, "ws.op=createPPA"+tt.form); got != tt.want {
			t.Errorf("%s%s: %s, want %s", tt.team, tt.form, got, tt.want)
		}
	}
}

// TestTokenPages asks for tokens as launchpadlib does: without a content type, and
// for JSON.
func TestTokenPages(t *testing.T) {
	s := newServer(t)
	ts := httptest.NewServer(s)
	defer ts.Close()
	ask := func(page, form, accept string) (int, string) {
		t.Helper()
		req, err := http.NewRequest("POST", ts.URL+page, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b strings.Builder
		if err := resp.Write(&b); err != nil {
			t.Fatal(err)
		}
		_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
		return resp.StatusCode, body
	}
	const form = "oauth_consumer_key=tool&oauth_signature_method=PLAINTEXT&oauth_signature=%26"
	if status, _ := ask("/+access-token", form+"&oauth_token=x", ""); status != 401 {
		t.Errorf("an unknown consumer: %d", status)
	}
	status, body := ask("/+request-token", form, "application/json")
	var token struct {
		Token    string `json:"oauth_token"`
		Secret   string `json:"oauth_token_secret"`
		Consumer string `json:"oauth_token_consumer"`
		Levels   []struct{ Value, Title string }
	}
	if err := json.Unmarshal([]byte(strings.Replace(body, "access_levels", "levels", 1)), &token); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if token.Token == "" || token.Secret == "" || token.Consumer != "tool" || len(token.Levels) != 5 || token.Levels[1].Value != "READ_PUBLIC" || token.Levels[1].Title != "Read Non-Private Data" {
		t.Errorf("%+v", token)
	}
	exchange := strings.Replace(form, "=%26", "=%26"+token.Secret, 1) + "&oauth_token=" + token.Token
	for _, tt := range []struct {
		page, form string
		status     int
		body       string
	}{
		{"/+request-token", form, 200, "oauth_token="},
		{"/+request-token", strings.Replace(form, "tool", "", 1), 401, ""},
		{"/+request-token", strings.Replace(form, "PLAINTEXT", "HMAC-SHA1", 1), 400, ""},
		{"/+access-token", exchange, 401, "Request token has not yet been reviewed. Try again later."},
		{"/+access-token", form + "&oauth_token=" + token.Token, 401, "Invalid OAuth signature."},
		{"/+access-token", form + "&oauth_token=other", 401, "No request token specified."},
	} {
		if status, body := ask(tt.page, tt.form, ""); status != tt.status || !strings.HasPrefix(body, tt.body) || strings.HasPrefix(body, "{") {
			t.Errorf("%s %s: %d %s, want %d %s", tt.page, tt.form, status, body, tt.status, tt.body)
		}
	}
	if err := s.Review(ts.URL+"/+authorize-token?oauth_token="+token.Token, "operator", "WRITE_PUBLIC"); err != nil {
		t.Fatal(err)
	}
	if status, body := ask("/+access-token", exchange, ""); status != 200 || !strings.HasSuffix(body, "&lp.context=None") {
		t.Errorf("granted: %d %s", status, body)
	}
}

package launchpadtest_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
	"github.com/landingteam/landing/launchpad/value"
)

const (
	overlay  = "~landing-team/ubuntu/overlay"
	snapshot = "~landing-team/ubuntu/snapshot"
)

// asOperator authorises a raw request.
const asOperator = `OAuth oauth_token="token", oauth_signature_method="PLAINTEXT", oauth_signature="%26secret"`

func newServer(t testing.TB) *launchpadtest.Server {
	s := launchpadtest.New(t, nil)
	s.Do(func(w *launchpadtest.World) {
		w.AddPPA("landing-team", "overlay")
		w.AddPPA("landing-team", "snapshot")
		w.Publish(overlay, "vivid",
			launchpadtest.Package{Name: "unity8", Version: "8.12-0ubuntu1", Binaries: []launchpadtest.BinaryPackage{{Name: "unity8"}, {Name: "unity8-common", All: true}}},
			launchpadtest.Package{Name: "mir", Version: "1.10"})
	})
	return s
}

func list[T any](t testing.TB, seq func(func(T, error) bool)) (out []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// raw sends a request as it stands and returns status and body.
func raw(t testing.TB, s *launchpadtest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "https://api.launchpad.test/devel/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().HTTP.Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func TestReads(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	a, err := c.Archive(t.Context(), "ppa:landing-team/overlay")
	if err != nil || !a.Publish.Is(true) || a.Reference != overlay {
		t.Fatalf("%+v, %v", a, err)
	}
	src := list(t, c.Sources(t.Context(), a.SelfLink, launchpad.PublicationFilter{Status: launchpad.Published, Series: "vivid"}))
	if len(src) != 2 || src[0].SourceName != "mir" || src[0].SourceVersion != "1.10" || src[1].Status != launchpad.Published {
		t.Fatalf("%+v", src)
	}
	if got := list(t, c.Sources(t.Context(), a.SelfLink, launchpad.PublicationFilter{Name: "mir", Version: "1.10"})); len(got) != 1 {
		t.Errorf("version 1.10 was mangled on its way: %d rows", len(got))
	}
	bin := list(t, c.SourceBinaries(t.Context(), src[1].SelfLink, false))
	if len(bin) != 6 || !bin[3].ArchSpecific.Is(false) {
		t.Errorf("%d binaries, want 3 of unity8 and 3 of unity8-common", len(bin))
	}
	if got := list(t, c.Binaries(t.Context(), a.SelfLink, launchpad.PublicationFilter{Series: "vivid", Arch: "armhf"})); len(got) != 3 {
		t.Errorf("%d binaries on armhf, want 3", len(got))
	}
	if got := list(t, c.SourceBuilds(t.Context(), src[1].SelfLink)); len(got) != 3 || got[0].State != launchpad.Built {
		t.Errorf("builds %+v", got)
	}
	build := list(t, c.SourceBuilds(t.Context(), src[1].SelfLink))[0]
	if got, err := c.Build(t.Context(), build.WebLink); err != nil || got.SelfLink != build.SelfLink || got.Arch() != build.Arch() {
		t.Errorf("build by its page: %+v, %v", got, err)
	}
	ppa := "~landing-team/+archive/ubuntu/overlay"
	row := func(l value.Link) string {
		return ppa + "/" + strings.SplitN(string(l), "/+archive/ubuntu/overlay/", 2)[1]
	}
	id := strconv.Itoa(src[1].SelfLink.ID())
	for path, want := range map[string]string{
		ppa + "?ws.op=getBuildCounters":                                      `"failed":0,"pending":0,"succeeded":6,"superseded":0,"total":6`,
		ppa + "?ws.op=getBuildSummariesForSourceIds&source_ids=[" + id + "]": `"status":"FULLYBUILT"`,
		"ubuntu/vivid/architectures":                                         `"architecture_tag":"armhf"`,
		ppa + "/processors":                                                  `"total_size":3`,
		row(bin[0].SelfLink) + "?ws.op=binaryFileUrls&include_meta=true":     `"sha256":`,
		row(src[0].SelfLink) + "?ws.op=sourceFileUrls&include_meta=true":     `"sha256":`,
	} {
		if status, body := raw(t, s, "GET", path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %s", path, status, body, want)
		}
	}
}

func TestWords(t *testing.T) {
	s := newServer(t)
	ppa := "~landing-team/+archive/ubuntu/overlay"
	auth := []string{"Authorization", asOperator}
	copyOf := func(v string) string { return "ws.op=copyPackage&" + v }
	link := url.QueryEscape("https://api.launchpad.test/devel/" + ppa)
	tests := []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", ppa + "?ws.op=getPublishedSources&status=published", "", 400, `status: Invalid value "published". Acceptable values are: Pending, Published, Superseded, Deleted, Obsolete`},
		{"GET", ppa + "?ws.op=getPublishedSources&exact_match=True", "", 400, "exact_match: got 'str', expected bool: 'True'"},
		{"GET", ppa + "?ws.op=getPublishedSources&exact_match=1", "", 400, "exact_match: got 'int', expected bool: 1"},
		{"GET", ppa + "?ws.op=getPublishedSources&version=1", "", 400, "The 'version' parameter can be used only together with the 'name' parameter."},
		{"GET", ppa + "?ws.op=getPublishedSources&ws.size=301", "", 400, `Maximum for "ws.size" parameter is 300.`},
		{"GET", ppa + "?ws.op=getPublishedSources&created_since_date=20160509", "", 400, "created_since_date: Value doesn't look like a date."},
		{"GET", ppa + "?ws.op=getPublishedSources&created_since_date=2016-05-09T08:00:00%2B02:00", "", 400, "created_since_date: Time not in UTC."},
		{"GET", ppa + "?ws.op=getPublishedSources&source_name=mir&version=1.10&exact_match=true", "", 200, `"total_size":0`}, // 1.10 unquoted is 1.1
		{"GET", ppa + "?ws.op=getPublishedSources&source_name=mi&misspelt=x", "", 200, `"total_size":1`},
		{"GET", ppa + "?ws.op=getPublishedSources&ws.show=total_size", "", 200, "2"},
		{"GET", ppa + "?ws.op=copyPackage", "", 400, "No such operation: copyPackage"},
		{"POST", ppa, "", 400, "No operation name given."},
		{"POST", ppa, copyOf(""), 400, "source_name: Required input is missing.\nversion: Required input is missing.\nfrom_archive: Required input is missing.\nto_pocket: Required input is missing."},
		{"POST", ppa, copyOf("source_name=mir&version=%221.10%22&to_pocket=Release&from_archive=" + link + "x"), 400, `from_archive: No such object "https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/overlayx".`},
		{"POST", ppa, copyOf("source_name=miir&version=%221.10%22&to_pocket=Release&from_archive=" + link), 404, "No such source package: 'miir'."},
		{"POST", ppa, copyOf("source_name=mir&version=1.10&to_pocket=Release&from_archive=" + link), 400, "mir is not published in overlay."},
		{"POST", ppa, copyOf("source_name=mir&version=%221.10%22&to_pocket=Relase&from_archive=" + link), 404, "No such pocket: 'RELASE'."},
		{"POST", ppa, copyOf("source_name=mir&version=%221.10%22&to_pocket=Updates&from_archive=" + link), 400, "PPA uploads must be for the RELEASE pocket."},
		{"POST", ppa, copyOf("source_name=mir&version=%221.10%22&to_pocket=release&to_series=vivd&from_archive=" + link), 404, "No such distribution series: 'vivd'."},
		{"GET", "archives?ws.op=getByReference&reference=~x/ubuntu/y", "", 200, "null"},
		{"GET", "~landing-team?ws.op=getPPAByName&name=x", "", 404, "No such ppa: 'x'."},
		{"POST", "~landing-team", "ws.op=createPPA&name=overlay", 400, "Landing Team already has a PPA for Ubuntu named 'overlay'."},
		{"POST", "~landing-team", "ws.op=createPPA&name=ubuntu", 400, "A PPA cannot have the same name as its distribution."},
	}
	for _, tt := range tests {
		status, body := raw(t, s, tt.method, tt.path, tt.body, auth...)
		if status != tt.status || (body != tt.want && !(status == 200 && strings.Contains(body, tt.want))) {
			t.Errorf("%s %s %s\n got %d %s\nwant %d %s", tt.method, tt.path, tt.body, status, body, tt.status, tt.want)
		}
	}
	if _, body := raw(t, s, "POST", ppa, copyOf("source_name=mir&version=%221.10%22&to_pocket=Release&from_archive="+link)); body != "Cannot check copy permissions (no requester)." {
		t.Errorf("anonymous copy: %s", body)
	}
}

func TestPrivacy(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		a := w.Archive(overlay)
		a.Private, a.Subscribers = true, []string{"friend"}
		w.AddPerson("friend")
		w.AddPerson("stranger")
		w.Tokens = append(w.Tokens, &launchpadtest.Token{Key: "f", Secret: "f", Person: "friend"}, &launchpadtest.Token{Key: "s", Secret: "s", Person: "stranger"},
			&launchpadtest.Token{Key: "public", Secret: "p", Person: "operator", Access: "READ_PUBLIC"}, &launchpadtest.Token{Key: "old", Secret: "o", Person: "operator", Expired: true})
	})
	tests := []struct {
		key, secret         string
		entry, reads, lists bool // sees publish, sees description, lists publications
		kind                error
	}{
		{"token", "secret", true, true, true, nil}, {"f", "f", false, true, true, nil}, {"s", "s", false, false, false, launchpad.ErrPermission},
		{"public", "p", false, false, false, launchpad.ErrPermission}, {"", "", false, false, false, launchpad.ErrPermission},
	}
	for _, tt := range tests {
		c := s.Client()
		c.Credentials = nil
		if tt.key != "" {
			c.Credentials = launchpad.NewCredentials("x", tt.key, tt.secret)
		}
		a, err := c.Archive(t.Context(), overlay)
		if err != nil {
			t.Fatal(err)
		}
		if a.Publish.Known != tt.entry || a.Publish.Redacted == tt.entry || (a.Description == string(value.Redacted)) == tt.reads || !a.Private.Is(true) {
			t.Errorf("%q sees %+v", tt.key, a)
		}
		n := 0
		for _, e := range c.Sources(t.Context(), a.SelfLink, launchpad.PublicationFilter{}) {
			if n++; e != nil {
				err = e
			}
		}
		if tt.lists != (err == nil && n == 2) || (tt.kind != nil && !errors.Is(err, tt.kind)) {
			t.Errorf("%q lists %d sources, %v", tt.key, n, err)
		}
	}
	for key, want := range map[string]string{"old": "Expired token", "none": "Unknown access token", "token": "Invalid signature"} {
		c := s.Client()
		c.Credentials = launchpad.NewCredentials("x", key, "wrong")
		if _, err := c.Archive(t.Context(), overlay); !errors.Is(err, launchpad.ErrToken) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", key, err, want)
		}
	}
}

func TestPPA(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	a, err := c.CreatePPA(t.Context(), "ppa:landing-team/fresh", "1.10")
	if err != nil || a.Reference != "~landing-team/ubuntu/fresh" || a.DisplayName != "fresh" || a.Description != "1.10" {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := c.CreatePPA(t.Context(), "ppa:landing-team/fresh", ""); !errors.Is(err, launchpad.ErrRefused) || !strings.Contains(err.Error(), "already has a PPA") {
		t.Errorf("second: %v", err)
	}
	s.Faults = []*launchpadtest.Fault{{Op: "createPPA", After: true, Drop: true, Times: 1}}
	if a, err := c.CreatePPA(t.Context(), "ppa:landing-team/lost", ""); err != nil || a.Name != "lost" {
		t.Errorf("answer lost: %+v, %v: it should have looked", a, err)
	}
	if s.Count("createPPA") != 3 {
		t.Errorf("createPPA sent %d times, want 3", s.Count("createPPA"))
	}
	status, body := raw(t, s, "PATCH", "~landing-team/+archive/ubuntu/fresh", `{"permit_obsolete_series_uploads": true}`, "Content-Type", "application/json", "Authorization", asOperator)
	if status != 209 || !strings.Contains(body, `"permit_obsolete_series_uploads":true`) {
		t.Errorf("edit: %d %s", status, body)
	}
	if err := c.DeleteArchive(t.Context(), a); err != nil {
		t.Error(err)
	}
	s.Advance(10 * time.Minute)
	if _, err := c.Archive(t.Context(), "ppa:landing-team/fresh"); !errors.Is(err, launchpad.ErrNotFound) {
		t.Errorf("after deletion: %v", err)
	}
	src := list(t, c.Sources(t.Context(), value.Link("https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/overlay"), launchpad.PublicationFilter{Name: "mir"}))
	if err := c.DeleteSource(t.Context(), src[0].SelfLink, "replaced"); err != nil {
		t.Error(err)
	}
	src = list(t, c.Sources(t.Context(), src[0].ArchiveLink, launchpad.PublicationFilter{Name: "mir"}))
	if src[0].Status != launchpad.Deleted || src[0].RemovalComment != "replaced" || src[0].RemovedByLink.Name() != "operator" {
		t.Errorf("deleted source: %+v", src[0])
	}
}

// DeleteSource leaves alone what is no longer active: Launchpad would call it deleted.
func TestDeleteSuperseded(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	src := list(t, c.Sources(t.Context(), "https://api.launchpad.test/devel/~landing-team/+archive/ubuntu/overlay", launchpad.PublicationFilter{Name: "mir"}))[0]
	s.Do(func(w *launchpadtest.World) { w.FindSource(overlay, "mir", "1.10").Status = launchpad.Superseded })
	if err := c.DeleteSource(t.Context(), src.SelfLink, "x"); err != nil || s.Count("requestDeletion") != 0 {
		t.Errorf("%v, %d requests", err, s.Count("requestDeletion"))
	}
}

func TestLogin(t *testing.T) {
	s := newServer(t)
	c := s.Client()
	c.Credentials = nil
	cred, err := c.Login(t.Context(), func(page string) {
		if err := s.Review(page, "operator", "WRITE_PRIVATE"); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials = cred
	if _, err := c.CreatePPA(t.Context(), "ppa:landing-team/mine", ""); err != nil {
		t.Errorf("the new token does not write: %v", err)
	}
	_, err = c.Login(t.Context(), func(page string) { s.Review(page, "operator", "") })
	if !errors.Is(err, launchpad.ErrRefused) {
		t.Errorf("refused: %v", err)
	}
}

// TestOverTheNetwork runs the fake as a program would, killed and restarted.
func TestOverTheNetwork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "world.json")
	for run := range 3 {
		s, err := launchpadtest.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ts := httptest.NewServer(s)
		c := &launchpad.Client{BaseURL: ts.URL + "/devel", Credentials: launchpad.NewCredentials("x", "token", "secret")}
		if run == 0 {
			s.Do(func(w *launchpadtest.World) { w.AddPerson("team", "operator") })
			if _, err := c.CreatePPA(t.Context(), "ppa:team/kept", ""); err != nil {
				t.Fatal(err)
			}
		} else if a, err := c.Archive(t.Context(), "ppa:team/kept"); err != nil || !strings.HasPrefix(string(a.SelfLink), ts.URL) {
			t.Errorf("after restart: %+v, %v", a, err)
		}
		ts.Close()
		if err := s.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestWorldText(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		first, err := w.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := launchpadtest.ParseWorld(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := again.Text()
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("round trip: %v\n%s", err, cmp.Diff(string(first), string(second)))
		}
	})
	if _, err := launchpadtest.ParseWorld([]byte("{")); err == nil {
		t.Error("half a world was read")
	}
}

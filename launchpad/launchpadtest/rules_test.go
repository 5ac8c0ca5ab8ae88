package launchpadtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// TestCopyRules asks for copies that Launchpad refuses, or takes, before any job is
// queued: what is asked about first decides about the answer.
func TestCopyRules(t *testing.T) {
	obsolete := func(w *launchpadtest.World) { w.EndSeries("vivid") }
	stranger := func(w *launchpadtest.World) { w.AddPerson("landing-team").Members = nil }
	both := func(w *launchpadtest.World) { obsolete(w); stranger(w) }
	one := func(more string) string {
		return "ws.op=copyPackage&source_name=mir&version=%221.10%22&to_pocket=Release" + ofOverlay + more
	}
	many := func(names, more string) string {
		return "ws.op=copyPackages&to_pocket=Release&source_names=" + url.QueryEscape(names) + ofOverlay + more
	}
	const noRights, ended = "400 Signer has no upload rights to this PPA.", "400 vivid is obsolete and will not accept new uploads."
	tests := []struct {
		name   string
		change func(w *launchpadtest.World)
		form   string
		want   string
		jobs   []string // name, version, series it goes to
	}{
		{"taken", nil, one(""), "200 null", []string{"mir 1.10 vivid"}},
		{"not published, and no rights", stranger, one("&from_series=xenial"), "400 mir is not published in overlay.", nil},
		{"no rights", stranger, one(""), noRights, nil},
		{"obsolete, its series not named", obsolete, one(""), ended, nil},
		{"obsolete, and no rights", both, one(""), ended, nil},
		{"into another series", obsolete, one("&to_series=xenial"), "200 null", []string{"mir 1.10 xenial"}},
		{"no such pocket of the origin", nil, one("&from_pocket=Relase"), "404 No such pocket: 'RELASE'.", nil},
		{"no such pocket, and no such package", nil, strings.Replace(one(""), "=mir&", "=miir&", 1) + "&from_pocket=x", "404 No such pocket: 'X'.", nil},
		{"not in that pocket", nil, one("&from_pocket=updates"), "400 mir is not published in overlay.", nil},
		{"in that pocket", nil, one("&from_pocket=RELEASE"), "200 null", []string{"mir 1.10 vivid"}},

		{"many: the highest version", func(w *launchpadtest.World) {
			w.Publish(overlay, "vivid", launchpadtest.Package{Name: "mir", Version: "1.9"}) // came later
		}, many(`["mir"]`, ""), "200 null", []string{"mir 1.10 vivid"}},
		{"many: the highest of any series", func(w *launchpadtest.World) {
			w.Publish(overlay, "xenial", launchpadtest.Package{Name: "mir", Version: "2"})
			w.Publish(overlay, "vivid", launchpadtest.Package{Name: "mir", Version: "1.9"})
		}, many(`["mir"]`, ""), "200 null", []string{"mir 2 xenial"}},
		{"many: one that nobody knows", nil, many(`["mir","miir"]`, ""), "404 No such source package: 'miir'.", nil},
		{"many: one without a row here", func(w *launchpadtest.World) {
			w.Publish(snapshot, "vivid", launchpadtest.Package{Name: "qtmir", Version: "1"})
		}, many(`["mir","qtmir"]`, ""), "200 null", []string{"mir 1.10 vivid"}},
		{"many: none has a row, and no rights", func(w *launchpadtest.World) {
			w.Publish(snapshot, "vivid", launchpadtest.Package{Name: "qtmir", Version: "1"})
			stranger(w)
		}, many(`["qtmir"]`, ""), "400 None of the supplied package names are published in overlay.", nil},
		{"many: obsolete", obsolete, many(`["mir"]`, ""), ended, nil},
		{"many: no such pocket", nil, strings.Replace(many(`["mir"]`, ""), "=Release", "=relase", 1), "404 No such pocket: 'RELASE'.", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			if tt.change != nil {
				s.Do(tt.change)
			}
			if got := post(t, s, toSnapshot, tt.form); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var jobs []string
			s.Do(func(w *launchpadtest.World) {
				for _, j := range w.Jobs {
					jobs = append(jobs, strings.Join([]string{j.Name, j.Version, j.ToSeries}, " "))
				}
			})
			if d := cmp.Diff(tt.jobs, jobs); d != "" {
				t.Errorf("jobs (-want +got)\n%s", d)
			}
		})
	}
}

// TestPocketOfTheOrigin copies from a primary archive, which has more pockets than
// one: unless one is named, the newest row is taken.
func TestPocketOfTheOrigin(t *testing.T) {
	const none = "mir 3 in vivid (source has no binaries to be copied)"
	for pocket, want := range map[string]string{"": none, "&from_pocket=updates": none, "&from_pocket=Release": ""} {
		s := newServer(t)
		s.Do(func(w *launchpadtest.World) {
			w.Publish("ubuntu", "vivid", launchpadtest.Package{Name: "mir", Version: "3"},
				launchpadtest.Package{Name: "mir", Version: "3", Pocket: "Updates", Binaries: []launchpadtest.BinaryPackage{}})
		})
		if got := post(t, s, toSnapshot, "ws.op=copyPackage&source_name=mir&version=%223%22&to_pocket=Release&include_binaries=true&from_archive=/ubuntu/%2Barchive/primary"+pocket); got != "200 null" {
			t.Fatalf("%q: %s", pocket, got)
		}
		s.Advance(time.Hour)
		s.Do(func(w *launchpadtest.World) {
			if got := w.Jobs[0].Error; got != want || (w.FindSource(snapshot, "mir", "3") != nil) != (want == "") {
				t.Errorf("%q: %q, want %q", pocket, got, want)
			}
		})
	}
}

// TestDeletionRules: a deletion needs no comment, says when, and takes rows that are
// not active any more.
func TestDeletionRules(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		src := w.FindSource(overlay, "mir", "1.10")
		src.Status = launchpad.Superseded
	})
	var id, bin int
	s.Do(func(w *launchpadtest.World) {
		id = w.FindSource(overlay, "mir", "1.10").ID
		bin = w.Binaries[slices.IndexFunc(w.Binaries, func(b *launchpadtest.BinaryRow) bool { return b.Name == "unity8" })].ID
	})
	ppa := "~landing-team/+archive/ubuntu/overlay/"
	for _, path := range []string{fmt.Sprintf("%s+sourcepub/%d", ppa, id), fmt.Sprintf("%s+binarypub/%d", ppa, bin)} {
		if got := post(t, s, path, "ws.op=requestDeletion"); got != "200 null" {
			t.Fatalf("%s: %s", path, got)
		}
		_, body := raw(t, s, "GET", path, "", "Authorization", asOperator)
		var row launchpad.Publication
		if err := json.Unmarshal([]byte(body), &row); err != nil {
			t.Fatal(err)
		}
		if row.Status != launchpad.Deleted || row.DateSuperseded.IsZero() || row.RemovalComment != "" || row.RemovedByLink.Name() != "operator" {
			t.Errorf("%s: %+v", path, row)
		}
	}
}

// setBuild puts the first build of a source into a state.
func setBuild(s *launchpadtest.Server, name string, states ...launchpad.BuildState) (ids []int) {
	s.Do(func(w *launchpadtest.World) {
		for _, b := range w.Builds {
			if b.SourceName == name && b.Archive == overlay && len(ids) < len(states) {
				b.State = states[len(ids)]
				ids = append(ids, b.ID)
			}
		}
	})
	return ids
}

// TestBuildRules says which builds can be cancelled and retried.
func TestBuildRules(t *testing.T) {
	for _, tt := range []struct {
		state             launchpad.BuildState
		cancelled, after  launchpad.BuildState // at once, and some minutes later
		retry, cancelable bool
	}{
		{launchpad.NeedsBuilding, launchpad.Cancelled, launchpad.Cancelled, false, true},
		{launchpad.Building, launchpad.Cancelling, launchpad.Cancelled, false, true},
		{launchpad.Gathering, launchpad.Gathering, launchpad.Gathering, false, false},
		{launchpad.Uploading, launchpad.Uploading, launchpad.Uploading, false, false},
		{launchpad.Built, launchpad.Built, launchpad.Built, false, false},
		{launchpad.FailedToBuild, launchpad.FailedToBuild, launchpad.FailedToBuild, true, false},
		{launchpad.DependencyWait, launchpad.DependencyWait, launchpad.DependencyWait, true, false},
		{launchpad.ChrootProblem, launchpad.ChrootProblem, launchpad.ChrootProblem, true, false},
		{launchpad.FailedToUpload, launchpad.FailedToUpload, launchpad.FailedToUpload, true, false},
		{launchpad.SupersededSource, launchpad.SupersededSource, launchpad.SupersededSource, true, false},
		{launchpad.Cancelled, launchpad.Cancelled, launchpad.Cancelled, true, false},
	} {
		s := newServer(t)
		s.Tick = 0
		id := setBuild(s, "mir", tt.state)[0]
		path := fmt.Sprintf("~landing-team/+archive/ubuntu/overlay/+build/%d", id)
		read := func() (b launchpad.Build) {
			_, body := raw(t, s, "GET", path, "")
			if err := json.Unmarshal([]byte(body), &b); err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf(`"can_be_cancelled":%v`, tt.cancelable); b.State == tt.state && tt.state != launchpad.Cancelled && !strings.Contains(body, want) {
				t.Errorf("%s: not %s", tt.state, want)
			}
			if want := fmt.Sprintf(`"can_be_retried":%v`, tt.retry); b.State == tt.state && !strings.Contains(body, want) {
				t.Errorf("%s: not %s", tt.state, want)
			}
			return b
		}
		read()
		if got := post(t, s, path, "ws.op=cancel"); got != "200 null" || read().State != tt.cancelled {
			t.Errorf("%s cancelled: %s, %s, want %s", tt.state, got, read().State, tt.cancelled)
		}
		s.Advance(2 * time.Minute)
		if got := read().State; got != tt.after {
			t.Errorf("%s cancelled, later: %s, want %s", tt.state, got, tt.after)
		}
		setBuild(s, "mir", tt.state)
		want, state := fmt.Sprintf("400 Build %d cannot be retried.", id), tt.state
		if tt.retry {
			want, state = "200 null", launchpad.NeedsBuilding
		}
		if got := post(t, s, path, "ws.op=retry"); got != want || read().State != state {
			t.Errorf("%s retried: %s, %s, want %s, %s", tt.state, got, read().State, want, state)
		}
	}
}

// TestSummaryRules: a summary lists the builds that it is about, and no others.
func TestSummaryRules(t *testing.T) {
	const built = launchpad.Built
	for _, tt := range []struct {
		states []launchpad.BuildState // amd64, armhf, i386
		want   string
	}{
		{[]launchpad.BuildState{built, built, built}, "FULLYBUILT amd64 armhf i386"},
		{[]launchpad.BuildState{built, launchpad.FailedToBuild, built}, "FAILEDTOBUILD armhf"},
		{[]launchpad.BuildState{launchpad.FailedToUpload, launchpad.FailedToBuild, built}, "FAILEDTOBUILD armhf amd64"},
		{[]launchpad.BuildState{launchpad.ChrootProblem, launchpad.DependencyWait, built}, "FAILEDTOBUILD armhf amd64"},
		{[]launchpad.BuildState{launchpad.NeedsBuilding, launchpad.FailedToBuild, built}, "NEEDSBUILD amd64"},
		{[]launchpad.BuildState{launchpad.NeedsBuilding, launchpad.Uploading, launchpad.Building}, "BUILDING i386 armhf"},
		{[]launchpad.BuildState{built, launchpad.Cancelled, launchpad.SupersededSource}, "FULLYBUILT amd64"},
		{[]launchpad.BuildState{built, launchpad.Cancelling, built}, "FULLYBUILT amd64 i386"},
	} {
		s := newServer(t)
		setBuild(s, "mir", tt.states...)
		id := 0
		s.Do(func(w *launchpadtest.World) { id = w.FindSource(overlay, "mir", "1.10").ID })
		_, body := raw(t, s, "GET", fmt.Sprintf("~landing-team/+archive/ubuntu/overlay?ws.op=getBuildSummariesForSourceIds&source_ids=[%d]", id), "")
		var sums map[string]struct {
			Status string
			Builds []launchpad.Build
		}
		if err := json.Unmarshal([]byte(body), &sums); err != nil {
			t.Fatal(err)
		}
		sum := sums[fmt.Sprint(id)]
		got := sum.Status
		for _, b := range sum.Builds {
			got += " " + b.Arch()
		}
		if got != tt.want {
			t.Errorf("%v: %s, want %s", tt.states, got, tt.want)
		}
	}
}

// TestBuildsOfACopy: builds made elsewhere count where a binary of theirs is.
func TestBuildsOfACopy(t *testing.T) {
	s := newServer(t)
	s.Do(func(w *launchpadtest.World) {
		w.LoseBinary, w.Archive(snapshot).Processors = map[string]bool{"mir/armhf": true}, nil
	})
	if refused := request(t, s, "mir", "1.10"); refused != "" {
		t.Fatal(refused)
	}
	s.Advance(time.Hour)
	c := s.Client()
	a, err := c.Archive(t.Context(), snapshot)
	if err != nil {
		t.Fatal(err)
	}
	src := list(t, c.Sources(t.Context(), a.SelfLink, launchpad.PublicationFilter{Name: "mir"}))[0]
	var got []string
	for _, b := range list(t, c.SourceBuilds(t.Context(), src.SelfLink)) {
		got = append(got, b.Arch())
	}
	if d := cmp.Diff([]string{"amd64", "i386"}, got); d != "" {
		t.Errorf("builds of the copy (-want +got)\n%s", d)
	}
}

// TestLivefsRules: an identical build is one for the same pocket, too, and a live
// file system's build is never retried.
func TestLivefsRules(t *testing.T) {
	s := newServer(t)
	s.Tick = 0
	s.Do(func(w *launchpadtest.World) { w.AddLivefs("image-team", "vivid", "ubuntu-touch") })
	const livefs, pending = "~image-team/+livefs/ubuntu/vivid/ubuntu-touch", "400 An identical build of this live filesystem image is already pending."
	ask := func(more string) string {
		return post(t, s, livefs, "ws.op=requestBuild&archive=/ubuntu/%2Barchive/primary&distro_arch_series=/ubuntu/vivid/armhf"+more)
	}
	for _, tt := range []struct{ more, want string }{
		{"&pocket=Release", "201 "}, {"&pocket=Release", pending}, {"&pocket=Release&version=%221%22", pending},
		{"&pocket=Updates", "201 "}, {"&pocket=Updates", pending}, {"&pocket=Release&unique_key=x", "201 "}, {"&pocket=Release&metadata_override=%7B%22a%22%3A1%7D", "201 "},
		{"&pocket=release", "400 pocket: Invalid value \"release\". Acceptable values are: Release, Security, Updates, Proposed, Backports"},
	} {
		if got := ask(tt.more); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.more, got, tt.want)
		}
	}
	_, body := raw(t, s, "GET", livefs+"/pending_builds", "")
	for _, want := range []string{`"pocket":"Updates"`, `livefs in ubuntu vivid-updates"`, `livefs in ubuntu vivid"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the builds lack %s", want)
		}
	}
	path := ""
	s.Do(func(w *launchpadtest.World) {
		w.LivefsBuilds[0].State, w.LivefsBuilds[0].Due = launchpad.Uploading, time.Time{}
		path = fmt.Sprintf("%s/+build/%d", livefs, w.LivefsBuilds[0].ID)
	})
	post(t, s, path, "ws.op=cancel")
	s.Do(func(w *launchpadtest.World) {
		if got := w.LivefsBuilds[0].State; got != launchpad.Uploading {
			t.Errorf("a build that uploads was cancelled: %s", got)
		}
		w.LivefsBuilds[0].State = launchpad.FailedToBuild
	})
	if got := post(t, s, path, "ws.op=retry"); !strings.HasSuffix(got, "cannot be retried.") {
		t.Errorf("retry: %s", got)
	}
}

// TestLivefsLists: what never started stands at the end of the builds, and what was
// started or ended last at the front.
func TestLivefsLists(t *testing.T) {
	s := newServer(t)
	s.Tick = 0
	const livefs = "~image-team/+livefs/ubuntu/vivid/ubuntu-touch"
	s.Do(func(w *launchpadtest.World) {
		w.AddLivefs("image-team", "vivid", "ubuntu-touch")
		add := func(id int, archive string, state launchpad.BuildState, started, ended time.Duration) {
			b := &launchpadtest.LivefsBuild{ID: id, Livefs: livefs, Archive: archive, Series: "vivid", Arch: "armhf", Requester: "operator", State: state, Created: w.Now}
			if started > 0 {
				b.Started = w.Now.Add(started)
			}
			if ended > 0 {
				b.Ended = w.Now.Add(ended)
			}
			w.LivefsBuilds = append(w.LivefsBuilds, b)
		}
		add(1, "ubuntu", launchpad.Built, 1, 9)
		add(2, "ubuntu", launchpad.FailedToBuild, 2, 3)
		add(3, "ubuntu", launchpad.Building, 5, 0)
		add(4, "ubuntu", launchpad.NeedsBuilding, 0, 0)
		add(5, "ubuntu", launchpad.Cancelled, 0, 7)
		add(6, overlay, launchpad.Built, 1, 8)
		w.Archive(overlay).Disabled = true
	})
	for list, want := range map[string]string{"builds": "1 5 3 2 4", "completed_builds": "1 5 2", "pending_builds": "4 3"} {
		_, body := raw(t, s, "GET", livefs+"/"+list, "", "Authorization", asOperator)
		var page struct{ Entries []launchpad.Build }
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range page.Entries {
			got = append(got, b.SelfLink.Name())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", list, got, want)
		}
	}
	if status, _ := raw(t, s, "GET", livefs+"/all_builds", ""); status != 404 {
		t.Errorf("a list that there is not: %d", status)
	}
}

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

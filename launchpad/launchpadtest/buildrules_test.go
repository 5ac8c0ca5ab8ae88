package launchpadtest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/launchpad"
	"github.com/landingteam/landing/launchpad/launchpadtest"
)

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

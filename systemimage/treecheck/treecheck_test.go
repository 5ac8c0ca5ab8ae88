package treecheck_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/keyring"
	"github.com/landingteam/landing/systemimage/systemimagetest"
	"github.com/landingteam/landing/systemimage/treecheck"
)

// classes are the findings in short.
func classes(t *testing.T, c *systemimage.Client, o treecheck.Options) []string {
	t.Helper()
	findings, err := treecheck.Check(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, f := range findings {
		list = append(list, strings.Join(strings.Fields(string(f.Severity)+" "+f.Class+" "+f.Channel+" "+f.Device), " "))
		if f.Problem == "" || f.Remedy == "" {
			t.Errorf("finding without problem or remedy: %+v", f)
		}
	}
	return list
}

// sample is what there is to say of the sample world: a release candidate is being
// phased in to a stable channel.
var sample = []string{
	"warning unfinished-tag ubuntu-touch/stable/meizu.en arale",
	"note phased ubuntu-touch/stable/meizu.en arale",
}

func TestCheckClean(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	tree := httptest.NewServer(fake.Handler())
	defer tree.Close()
	root, err := os.ReadFile(filepath.Join(fake.Root(), "secret/gpg/keyrings/archive-master.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	c := &systemimage.Client{BaseURL: tree.URL, Trust: &keyring.Trust{Root: root}}
	if d := cmp.Diff(sample, classes(t, c, treecheck.Options{Unpack: true})); d != "" {
		t.Errorf("findings of the sample (-want +got)\n%s", d)
	}
	// Fifty years on, its keyrings have expired or are about to.
	c = &systemimage.Client{BaseURL: tree.URL, Unverified: true}
	for _, class := range classes(t, c, treecheck.Options{NoFiles: true, Now: time.Now().AddDate(50, 0, 0)}) {
		if !strings.Contains(class, "expired-keyring") && !slices.Contains(sample, class) {
			t.Errorf("in fifty years: %q, want keyrings only", class)
		}
	}
}

// The tree that was recorded from a real server is clean: at the time of its
// recording, since its keyrings expire one day.
func TestCheckRecorded(t *testing.T) {
	t.Parallel()
	www := filepath.Join("..", "..", "..", "shared", "fixtures", "system-image-server", "tree", "www")
	if _, err := os.Stat(www); err != nil {
		t.Skip("the recorded tree is not beside the project")
	}
	tree := httptest.NewServer(http.FileServer(http.Dir(www)))
	defer tree.Close()
	root, err := os.ReadFile(filepath.Join(www, "gpg", "archive-master.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	recorded := time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	c := &systemimage.Client{BaseURL: tree.URL, Trust: &keyring.Trust{Root: root, Time: func() time.Time { return recorded }}}
	if d := cmp.Diff(sample, classes(t, c, treecheck.Options{Unpack: true, Now: recorded})); d != "" {
		t.Errorf("findings of the recorded tree (-want +got)\n%s", d)
	}
}

func TestCheckFindings(t *testing.T) {
	t.Parallel()
	const krillin = "ubuntu-touch/rc-proposed/bq-aquaris.en/krillin/index.json"
	const arale = "ubuntu-touch/stable/meizu.en/arale/index.json"
	begin := systemimagetest.New(t, systemimagetest.SampleWorld())
	if err := begin.Freeze(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, www string)
		want  []string
	}{
		{"missing index", func(t *testing.T, www string) { remove(t, www, arale) },
			[]string{"error missing-index ubuntu-touch/stable/meizu.en arale"}},
		{"left-overs", func(t *testing.T, www string) { write(t, www, arale+".new.asc", "x") },
			[]string{"error left-over ubuntu-touch/stable/meizu.en arale"}},
		{"left-over of channels.json", func(t *testing.T, www string) { write(t, www, "channels.json.new", "x") },
			[]string{"error left-over"}},
		{"HTML instead of an index", func(t *testing.T, www string) { write(t, www, arale, "<html><body>not found</body></html>") },
			[]string{"error unreadable-index ubuntu-touch/stable/meizu.en arale"}},
		// A file of the pool is said once, where it is named first.
		{"payload missing", func(t *testing.T, www string) { remove(t, www, payload(t, www, arale, "device-")) },
			[]string{"error missing-file ubuntu-touch/rc-proposed/meizu.en arale"}},
		{"payload cut", func(t *testing.T, www string) { write(t, www, payload(t, www, arale, "version-"), "cut") },
			[]string{"error wrong-size ubuntu-touch/stable/meizu.en arale"}},
		{"payload replaced", func(t *testing.T, www string) {
			place := payload(t, www, arale, "version-")
			b := read(t, www, place)
			write(t, www, place, strings.Repeat("x", len(b)))
		}, []string{"error wrong-sum ubuntu-touch/stable/meizu.en arale"}},
		{"signature missing", func(t *testing.T, www string) { remove(t, www, payload(t, www, arale, "version-")+".asc") },
			[]string{"error missing-signature ubuntu-touch/stable/meizu.en arale"}},
		{"signature empty", func(t *testing.T, www string) { write(t, www, payload(t, www, arale, "version-")+".asc", "") },
			[]string{"error empty-signature ubuntu-touch/stable/meizu.en arale"}},
		{"keyring missing", func(t *testing.T, www string) { remove(t, www, "gpg/image-signing.tar.xz") },
			[]string{"error missing-keyring"}},
		{"keyring is a page", func(t *testing.T, www string) { write(t, www, "gpg/image-master.tar.xz", "<html>") },
			[]string{"error bad-keyring"}},
		{"signature is a page", func(t *testing.T, www string) {
			write(t, www, payload(t, www, arale, "version-")+".asc", "<html><body>not found</body></html>")
		}, []string{"error no-signature ubuntu-touch/stable/meizu.en arale"}},
		{"signature of another file", func(t *testing.T, www string) {
			write(t, www, payload(t, www, arale, "version-")+".asc", string(read(t, www, "channels.json.asc")))
		}, []string{"error wrong-signature ubuntu-touch/stable/meizu.en arale"}},
		{"signature of a keyring of another file", func(t *testing.T, www string) {
			write(t, www, "gpg/image-signing.tar.xz.asc", string(read(t, www, "gpg/blacklist.tar.xz.asc")))
		}, []string{"error wrong-signature"}},
		{"another keyring in its place", func(t *testing.T, www string) {
			write(t, www, "gpg/blacklist.tar.xz", string(read(t, www, "gpg/image-signing.tar.xz")))
			write(t, www, "gpg/blacklist.tar.xz.asc", string(read(t, www, "gpg/image-signing.tar.xz.asc")))
		}, []string{"error wrong-keyring"}},
		{"no channels", func(t *testing.T, www string) { write(t, www, "channels.json", "{}") }, []string{"error no-channels"}},
		{"channel without devices", func(t *testing.T, www string) {
			edit(t, www, "channels.json", func(x map[string]any) {
				x["ubuntu-touch/devel"] = map[string]any{"devices": map[string]any{}}
			})
		}, []string{"warning no-devices ubuntu-touch/devel"}},
		{"channel with a name that devices use", func(t *testing.T, www string) {
			edit(t, www, "channels.json", func(x map[string]any) { x["self"] = x["ubuntu-touch/stable/bq-aquaris.en"] })
		}, []string{"error reserved-name self", "warning odd-index-path self krillin", "warning odd-index-path self vegetahd"}},
		{"halted", func(t *testing.T, www string) {
			edit(t, www, arale, func(x map[string]any) { of(x, "full", 1)["phased-percentage"] = 0 })
		}, []string{"warning halted ubuntu-touch/stable/meizu.en arale", "warning unfinished-tag ubuntu-touch/stable/meizu.en arale"}},
		{"weekly tag in stable", tagged("ubuntu-touch/stable/bq-aquaris.en/krillin/index.json", "2016-W12-weekly"),
			[]string{"warning other-tag ubuntu-touch/stable/bq-aquaris.en krillin", "warning unfinished-tag ubuntu-touch/stable/bq-aquaris.en krillin",
				"warning other-tag ubuntu-touch/stable/bq-aquaris.en vegetahd"}},
		{"another tag than its channel", tagged("ubuntu-touch/rc/bq-aquaris.en/krillin/index.json", "OTA-5-rc"),
			[]string{"warning other-tag ubuntu-touch/rc/bq-aquaris.en krillin", "warning other-tag ubuntu-touch/rc/bq-aquaris.en vegetahd"}},
		{"another system than its channel", func(t *testing.T, www string) {
			edit(t, www, krillin, func(x map[string]any) {
				of(x, "full", 3)["version_detail"] = "ubuntu=20150701,device=20150611-4c0ffee,custom=20150612-102-29-15-vivid,keyring=archive-master,version=3"
			})
		}, []string{"note other-system ubuntu-touch/rc-proposed/bq-aquaris.en krillin", "note other-system ubuntu-touch/rc-proposed/bq-aquaris.en vegetahd"}},
		{"two files of one name on one way", func(t *testing.T, www string) {
			edit(t, www, krillin, func(x map[string]any) {
				files := of(x, "delta", 3)["files"].([]any)
				first, second := files[0].(map[string]any), files[1].(map[string]any)
				place := "/other/" + filepath.Base(first["path"].(string))
				if err := os.MkdirAll(filepath.Join(www, "other"), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, www, place, string(read(t, www, second["path"].(string))))
				second["path"] = place
			})
		}, []string{"error same-name ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"a field that devices cannot read", func(t *testing.T, www string) {
			edit(t, www, arale, func(x map[string]any) { images(x)[0]["converters"] = 1 })
		}, []string{"error broken-index ubuntu-touch/stable/meizu.en arale"}},
		{"channels.json signed by nobody", func(t *testing.T, www string) {
			write(t, www, "channels.json.asc", string(read(t, www, "gpg/image-signing.tar.xz.asc")))
		}, []string{"error signed-by-stranger"}},
		{"path out of the tree", func(t *testing.T, www string) {
			edit(t, www, arale, func(x map[string]any) {
				f := images(x)[0]["files"].([]any)[0].(map[string]any)
				f["path"] = "/../" + filepath.Base(f["path"].(string))
			})
		}, []string{"error odd-path ubuntu-touch/stable/meizu.en arale"}},
		{"redirect without a new device", func(t *testing.T, www string) {
			edit(t, www, "channels.json", func(x map[string]any) {
				delete(x["ubuntu-touch/ubuntu-rtm/14.09-proposed"].(map[string]any)["devices"].(map[string]any), "krillin")
			})
		}, []string{"warning stale-redirect ubuntu-touch/ubuntu-rtm/14.09-proposed krillin"}},
		{"another percentage than its channel", func(t *testing.T, www string) {
			edit(t, www, "ubuntu-touch/rc/bq-aquaris.en/krillin/index.json", func(x map[string]any) { of(x, "full", 1)["phased-percentage"] = 5 })
		}, []string{"note other-percentage ubuntu-touch/rc/bq-aquaris.en krillin", "note phased ubuntu-touch/rc/bq-aquaris.en krillin",
			"note other-percentage ubuntu-touch/rc/bq-aquaris.en vegetahd"}},
		{"many ways", ladder(krillin, 23), []string{"warning exploding-candidates ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"too many ways", ladder(krillin, 30), []string{"error exploding-candidates ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"no images", func(t *testing.T, www string) { edit(t, www, arale, func(x map[string]any) { x["images"] = []any{} }) },
			[]string{"note no-images ubuntu-touch/stable/meizu.en arale"}},
		{"version null", func(t *testing.T, www string) {
			edit(t, www, arale, func(x map[string]any) { images(x)[0]["version"] = nil })
		}, []string{"error version-range ubuntu-touch/stable/meizu.en arale"}},
		{"version above 65535", func(t *testing.T, www string) {
			edit(t, www, arale, func(x map[string]any) { images(x)[0]["version"] = 65536 })
		}, []string{"error version-range ubuntu-touch/stable/meizu.en arale"}},
		{"uneven percentage", func(t *testing.T, www string) {
			edit(t, www, krillin, func(x map[string]any) { of(x, "delta", 3)["phased-percentage"] = 20 })
		}, []string{"error uneven-percentage ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"percentage on an old image", func(t *testing.T, www string) {
			edit(t, www, krillin, func(x map[string]any) { of(x, "full", 2)["phased-percentage"] = 20 })
		}, []string{"warning old-percentage ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"image twice", func(t *testing.T, www string) {
			edit(t, www, krillin, func(x map[string]any) { x["images"] = append(x["images"].([]any), x["images"].([]any)[0]) })
		}, []string{"warning duplicate-image ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"delta ring", func(t *testing.T, www string) {
			edit(t, www, krillin, func(x map[string]any) { of(x, "delta", 2)["base"] = 3 })
		}, []string{"error delta-ring ubuntu-touch/rc-proposed/bq-aquaris.en krillin"}},
		{"no way to the newest", func(t *testing.T, www string) {
			edit(t, www, arale, func(x map[string]any) { images(x)[0]["minversion"] = 7 })
		}, []string{"error unreachable ubuntu-touch/stable/meizu.en arale"}},
		{"alias drifted", func(t *testing.T, www string) {
			edit(t, www, "ubuntu-touch/ubuntu-15.04/bq-aquaris.en/krillin/index.json", func(x map[string]any) { images(x)[0]["phased-percentage"] = 5 })
		}, []string{"error alias-drift ubuntu-touch/ubuntu-15.04/bq-aquaris.en krillin"}},
		{"redirect to nowhere", func(t *testing.T, www string) {
			edit(t, www, "channels.json", func(x map[string]any) {
				x["ubuntu-touch/rc-proposed/bq-aquaris.en"].(map[string]any)["devices"].(map[string]any)["mako"].(map[string]any)["redirect"] = "gone"
			})
		}, []string{"error redirect-nowhere ubuntu-touch/rc-proposed/bq-aquaris.en mako"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake, err := begin.Clone(systemimagetest.TempDir(t))
			if err != nil {
				t.Fatal(err)
			}
			tree := httptest.NewServer(fake.Handler())
			defer tree.Close()
			tt.spoil(t, filepath.Join(fake.Root(), "www"))
			c := &systemimage.Client{BaseURL: tree.URL, Unverified: true, Tries: 1}
			got := classes(t, c, treecheck.Options{Checksums: true})
			got = slices.DeleteFunc(got, func(class string) bool { return slices.Contains(sample, class) && !slices.Contains(tt.want, class) })
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("findings (-want +got)\n%s", d)
			}
		})
	}
}

// ladder makes an index of so many versions, each with deltas from the two before it.
// Other devices of the channel have another system then, which is not the point.
func ladder(index string, versions int) func(*testing.T, string) {
	return func(t *testing.T, www string) {
		edit(t, www, index, func(x map[string]any) {
			list := []any{}
			for v := 1; v <= versions; v++ {
				full := map[string]any{}
				for k, value := range of(x, "full", 3) {
					full[k] = value
				}
				full["version"] = v
				list = append(list, full)
				for base := max(1, v-2); base < v; base++ {
					list = append(list, map[string]any{"type": "delta", "version": v, "base": base, "files": full["files"]})
				}
			}
			x["images"] = list
		})
	}
}

// tagged gives the full image 1 of an index another tag.
func tagged(index, tag string) func(*testing.T, string) {
	return func(t *testing.T, www string) {
		edit(t, www, index, func(x map[string]any) {
			m := of(x, "full", 1)
			detail := m["version_detail"].(string)
			m["version_detail"] = detail[:strings.Index(detail, "tag=")] + "tag=" + tag + ",version=1"
		})
	}
}

// An index that is older than one that the client has seen is properly signed, and
// still no index to rely on.
func TestCheckOlderTree(t *testing.T) {
	t.Parallel()
	begin := time.Now().Add(-2 * time.Hour)
	world := systemimagetest.SampleWorld()
	world.Now = func() time.Time { return begin }
	newer := systemimagetest.New(t, world)
	older, err := newer.Clone(systemimagetest.TempDir(t))
	if err != nil {
		t.Fatal(err)
	}
	newer.Now = func() time.Time { return begin.Add(time.Hour) }
	out, err := newer.Run(t.Context(), command.Command{Argv: []string{filepath.Join(newer.Root(), "bin", "set-phased-percentage"), "-v", "ubuntu-touch/stable/meizu.en", "arale", "1", "50"}})
	if err != nil || out.Exit != 0 {
		t.Fatalf("%v, exit status %d: %s", err, out.Exit, out.Stderr)
	}
	served := newer
	tree := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served.Handler().ServeHTTP(w, r) }))
	defer tree.Close()
	c := newer.Client()
	c.BaseURL, c.HTTP, c.Tries = tree.URL, nil, 1
	if _, err := c.Index(t.Context(), "ubuntu-touch/stable/meizu.en", "arale"); err != nil {
		t.Fatal(err)
	}
	served = older
	want := []string{"error older-index ubuntu-touch/stable/meizu.en arale"}
	if d := cmp.Diff(want, classes(t, c, treecheck.Options{NoFiles: true})); d != "" {
		t.Errorf("findings (-want +got)\n%s", d)
	}
}

// A keyring is warned of before it expires, and once it has.
func TestCheckExpiry(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	expiry := func(days int) time.Time { return time.Now().AddDate(2, 0, days) } // of image-signing
	for _, tt := range []struct {
		at     time.Time
		within time.Duration
		want   string
	}{
		{expiry(-60), 0, ""},
		{expiry(-60), 90 * 24 * time.Hour, "warning keyring-expires"},
		{expiry(-10), 0, "warning keyring-expires"},
		{expiry(10), 0, "error expired-keyring"},
	} {
		c := fake.Client()
		c.Trust, c.Unverified = nil, true
		got := classes(t, c, treecheck.Options{NoFiles: true, Now: tt.at, Within: tt.within})
		is := func(class string) bool { return class == "warning keyring-expires" || class == "error expired-keyring" }
		if got = slices.DeleteFunc(got, func(class string) bool { return !is(class) }); strings.Join(got, ", ") != tt.want {
			t.Errorf("at %v, within %v: %q, want %q", tt.at, tt.within, got, tt.want)
		}
	}
}

// With a new key and nothing signed by it, channels.json itself is refused; what is
// beneath it is looked at all the same.
func TestCheckNothingVerifies(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	rotate(t, fake)
	c := fake.Client()
	c.Tries = 1
	count := map[string]int{}
	for _, class := range classes(t, c, treecheck.Options{}) {
		count[strings.Fields(class)[1]]++
	}
	if count["channels-signature"] != 1 || count["signed-by-stranger"] < 50 {
		t.Errorf("findings: %v", count)
	}
}

// A signature that does not fit its index is found by a client that verifies.
func TestCheckSignature(t *testing.T) {
	t.Parallel()
	fake := systemimagetest.New(t, systemimagetest.SampleWorld())
	tree := httptest.NewServer(fake.Handler())
	defer tree.Close()
	root, err := os.ReadFile(filepath.Join(fake.Root(), "secret/gpg/keyrings/archive-master.tar.xz"))
	if err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(fake.Root(), "www"), "ubuntu-touch/stable/meizu.en/arale/index.json", func(x map[string]any) { images(x)[0]["description"] = "mine" })
	c := &systemimage.Client{BaseURL: tree.URL, Trust: &keyring.Trust{Root: root}, Tries: 1}
	want := append([]string{"error index-signature ubuntu-touch/stable/meizu.en arale"}, sample...)
	if d := cmp.Diff(want, classes(t, c, treecheck.Options{})); d != "" {
		t.Errorf("findings (-want +got)\n%s", d)
	}
}

func TestCheckNoServer(t *testing.T) {
	t.Parallel()
	tree := httptest.NewServer(http.NotFoundHandler())
	defer tree.Close()
	c := &systemimage.Client{BaseURL: tree.URL, Unverified: true, Tries: 1}
	if _, err := treecheck.Check(t.Context(), c, treecheck.Options{}); !errors.Is(err, systemimage.ErrNotFound) {
		t.Errorf("Check() of nothing = %v, want ErrNotFound", err)
	}
}

func read(t *testing.T, www, place string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(www, place))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, www, place, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(www, place), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, www, place string) {
	t.Helper()
	if err := os.Remove(filepath.Join(www, place)); err != nil {
		t.Fatal(err)
	}
}

func edit(t *testing.T, www, place string, change func(map[string]any)) {
	t.Helper()
	x := map[string]any{}
	if err := json.Unmarshal(read(t, www, place), &x); err != nil {
		t.Fatal(err)
	}
	change(x)
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	write(t, www, place, string(b))
}

func images(x map[string]any) (list []map[string]any) {
	for _, m := range x["images"].([]any) {
		list = append(list, m.(map[string]any))
	}
	return list
}

// of finds an image by type and version.
func of(x map[string]any, typ string, version int) map[string]any {
	for _, m := range images(x) {
		if m["type"] == typ && m["version"] == float64(version) {
			return m
		}
	}
	panic("no such image")
}

// payload is the path of a file of the newest image, by the start of its name.
func payload(t *testing.T, www, index, prefix string) string {
	t.Helper()
	x := map[string]any{}
	if err := json.Unmarshal(read(t, www, index), &x); err != nil {
		t.Fatal(err)
	}
	list := images(x)
	for _, f := range list[len(list)-1]["files"].([]any) {
		place := f.(map[string]any)["path"].(string)
		if strings.HasPrefix(filepath.Base(place), prefix) && (prefix == "version-" || !strings.Contains(place, "delta")) {
			return place
		}
	}
	t.Fatalf("no file %s… in %s", prefix, index)
	return ""
}

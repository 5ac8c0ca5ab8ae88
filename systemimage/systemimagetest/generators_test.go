package systemimagetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// importer is a server with one automatic channel "daily" with the device
// "phone", whose files are those given.
func importer(t *testing.T, files string, entries ...string) *Server {
	t.Helper()
	w := World{Channels: []Channel{{Name: "daily", Devices: []Device{{Name: "phone"}}}}}
	w.Config = "[global]\nbase_path = @ROOT@\nchannels = daily\npublic_fqdn = h\npublic_http_port = 80\npublic_https_port = 443\n\n" +
		"[channel_daily]\ntype = auto\nfiles = " + files + "\n" + strings.Join(entries, "\n") + "\n"
	s, err := Create(TempDir(t), w)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// importRun runs the importer and returns what it says about its sources and
// images, without times.
func importRun(t *testing.T, s *Server) []string {
	t.Helper()
	out := run(t, s, "bin/import-images", "-vvv")
	var said []string
	for line := range strings.Lines(string(out.Stdout) + string(out.Stderr)) {
		line = strings.TrimSuffix(line, "\n")
		for _, word := range []string{"New file", "None", "Publishing new image", "Failed", "Skipping '", "HTTP Error", "timed out", "Remote end", "retrieval", "Error: ", "InvalidURL", "gzip."} {
			if strings.Contains(line, word) {
				said = append(said, hash.ReplaceAllString(stamp.ReplaceAllString(line, ""), "HASH"))
				break
			}
		}
	}
	return said
}

func TestGenerators(t *testing.T) {
	const version = "file_version = version"
	const none = "INFO No image will be produced because the '%s' generator returned None"
	build := func(b Build) func(*testing.T, *Server) {
		return func(t *testing.T, s *Server) {
			if err := s.AddBuild(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	newVersion := "INFO New file from 'version': daily/phone/version-1.tar.xz"
	tests := []struct {
		name    string
		files   string
		entries []string
		prepare func(*testing.T, *Server)
		want    []string
	}{
		{"http without a monitor", "dev, version", []string{"file_dev = http;http://h/d.tar.xz;name=device", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7"}),
			[]string{"INFO New file from 'http': pool/device-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (device=HASH,version=1) with 2 files."}},
		{"one URL twice", "a, b, version", []string{"file_a = http;http://h/d.tar.xz;name=a,monitor=http://h/d", "file_b = http;http://h/d.tar.xz;name=b", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7", Monitor: "http://h/d"}),
			[]string{"INFO New file from 'http': pool/a-HASH.tar.xz", "INFO New file from 'http': pool/b-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (a=7,b=7,version=1) with 3 files."}},
		{"device entry first", "dev,phone, dev,tab, dev, version", []string{"file_dev,phone = http;http://h/d.tar.xz;name=device", "file_dev,tab = http;http://h/no", "file_dev = http;http://h/no", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7"}),
			[]string{"INFO New file from 'http': pool/device-HASH.tar.xz", "DEBUG Skipping 'dev,tab' because the device namedoesn't match",
				"DEBUG Skipping 'dev' because a more specificgenerator was already called.", newVersion, "INFO Publishing new image '1' (device=HASH,version=1) with 2 files."}},
		{"a blank in the URL", "dev, version", []string{"file_dev = http;http://h/a b", version}, nil,
			[]string{`http.client.InvalidURL: URL can't contain control characters. '/a b' (found at least ' ')`}},
		{"timeout", "dev, version", []string{"file_dev = http;http://h/d.tar.xz", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7", Fault: "timeout"}),
			[]string{"ERROR timed out", "TimeoutError: timed out", "ERROR Failed to retrieve url http://h/d.tar.xz", strings.ReplaceAll(none, "%s", "http")}},
		{"closed", "dev, version", []string{"file_dev = http;http://h/d.tar.xz", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7", Fault: "closed"}),
			[]string{"ERROR Remote end closed connection without response", "http.client.RemoteDisconnected: Remote end closed connection without response",
				"ERROR Failed to retrieve url http://h/d.tar.xz", strings.ReplaceAll(none, "%s", "http")}},
		{"short", "dev, version", []string{"file_dev = http;http://h/d.tar.xz", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7", Fault: "short"}),
			[]string{"ERROR <urlopen error retrieval incomplete: got only 100 out of 1580 bytes>",
				"urllib.error.ContentTooShortError: <urlopen error retrieval incomplete: got only 100 out of 1580 bytes>",
				"ERROR Failed to retrieve url http://h/d.tar.xz", strings.ReplaceAll(none, "%s", "http")}},
		{"not gzip", "root, version", []string{"file_root = http-cdimage;http://h/r.tar.gz;name=root", version},
			build(Build{URL: "http://h/r.tar.gz", Version: "7", Fault: "html"}),
			[]string{"gzip.BadGzipFile: Not a gzipped file (b'<h')"}},
		{"cdimage-custom", "custom, version", []string{"file_custom = cdimage-custom;@ROOT@/cdimage/daily;vivid", version}, writeCDImage("vivid-preinstalled-touch-armhf.custom.tar.gz"),
			[]string{"INFO New file from 'cdimage-custom': pool/custom-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (custom=20150611,version=1) with 2 files."}},
		{"cdimage-device-raw", "raw, version", []string{"file_raw = cdimage-device-raw;@ROOT@/cdimage/daily;vivid", version}, writeCDImage("vivid-preinstalled-core-armhf.device.tar.gz"),
			[]string{"INFO New file from 'cdimage-device-raw': pool/device-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (raw-device=20150611,version=1) with 2 files."}},
		{"remote-system-image", "ubuntu, version", []string{"file_ubuntu = remote-system-image;http://remote;" + stable + ";ubuntu;device=krillin", version}, serveRemote,
			[]string{"INFO New file from 'remote-system-image': pool/ubuntu-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (ubuntu=20150610,version=1) with 2 files."}},
		{"remote without the device", "ubuntu, version", []string{"file_ubuntu = remote-system-image;http://remote;" + stable + ";ubuntu", version}, serveRemote,
			[]string{strings.ReplaceAll(none, "%s", "remote-system-image")}},
		{"remote away", "ubuntu, version", []string{"file_ubuntu = remote-system-image;http://h;a;b", version}, build(Build{URL: "http://h/x", Version: "1"}),
			[]string{"ERROR HTTP Error 404: File not found", "urllib.error.HTTPError: HTTP Error 404: File not found", "ERROR Failed to retrieve url http://h/channels.json",
				strings.ReplaceAll(none, "%s", "remote-system-image")}},
		{"blanks around the URL", "dev, version", []string{"file_dev = http; http://h/d.tar.xz ;name=device", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7"}),
			[]string{"INFO New file from 'http': pool/device-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (device=HASH,version=1) with 2 files."}},
		{"an = in the monitor", "dev, version", []string{"file_dev = http;http://h/d.tar.xz;name=device,monitor=http://h/d?of=phone", version},
			build(Build{URL: "http://h/d.tar.xz", Version: "7", Monitor: "http://h/d"}),
			[]string{"INFO New file from 'http': pool/device-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (device=7,version=1) with 2 files."}},
		{"no host", "dev, version", []string{"file_dev = http;http:///d.tar.xz", version}, nil,
			[]string{"urllib.error.URLError: <urlopen error no host given>", "ERROR Failed to retrieve url http:///d.tar.xz", strings.ReplaceAll(none, "%s", "http")}},
		{"no such scheme", "dev, version", []string{"file_dev = http;htp://h/d.tar.xz", version}, nil,
			[]string{"urllib.error.URLError: <urlopen error unknown url type: htp>", "ERROR Failed to retrieve url htp://h/d.tar.xz", strings.ReplaceAll(none, "%s", "http")}},
		{"a word for a port", "dev, version", []string{"file_dev = http;http://h:port/d.tar.xz", version}, nil,
			[]string{"http.client.InvalidURL: nonnumeric port: 'port'"}},
		{"gzip cut", "ubuntu, version", []string{"file_ubuntu = cdimage-ubuntu;@ROOT@/cdimage/daily;vivid", version}, func(t *testing.T, s *Server) {
			writeCDImage("vivid-preinstalled-touch-armhf.tar.gz")(t, s)
			path := filepath.Join(s.root, "cdimage/daily/20150611/vivid-preinstalled-touch-armhf.tar.gz")
			if err := os.Truncate(path, 20); err != nil {
				t.Fatal(err)
			}
		}, []string{"EOFError: Compressed file ended before the end-of-stream marker was reached"}},
		{"a path from the root", "ubuntu, version", []string{"file_ubuntu = cdimage-ubuntu;cdimage/daily;vivid", version}, writeCDImage("vivid-preinstalled-touch-armhf.tar.gz"),
			[]string{"INFO New file from 'cdimage-ubuntu': pool/ubuntu-HASH.tar.xz", newVersion, "INFO Publishing new image '1' (ubuntu=20150611,version=1) with 2 files."}},
		{"a file for a path", "ubuntu, version", []string{"file_ubuntu = cdimage-ubuntu;etc/config;vivid", version}, nil,
			[]string{"NotADirectoryError: [Errno 20] Not a directory: 'etc/config'"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := importer(t, tt.files, tt.entries...)
			if tt.prepare != nil {
				tt.prepare(t, s)
			}
			if diff := cmp.Diff(tt.want, importRun(t, s)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := problems(t, s); strings.Contains(strings.Join(tt.want, ""), "Publishing") && got[0] != "" {
				t.Errorf("problems: %q", got)
			}
		})
	}
}

// writeCDImage puts one file into a build of the cdimage tree.
func writeCDImage(name string) func(*testing.T, *Server) {
	return func(t *testing.T, s *Server) {
		data, err := packGZ([]member{{name: "a", mode: 0o644, data: []byte("b")}}, payloadTime)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(s.root, "cdimage/daily/20150611")
		if err := writeFile(filepath.Join(dir, name), data); err != nil {
			t.Fatal(err)
		}
		if err := writeFile(filepath.Join(dir, "SHA256SUMS"), []byte(hexSum(data)+" *"+name+"\n")); err != nil {
			t.Fatal(err)
		}
	}
}

// serveRemote makes the tree of another server the answer of http://remote.
func serveRemote(t *testing.T, s *Server) {
	t.Helper()
	other := New(t, SampleWorld())
	if err := os.CopyFS(filepath.Join(s.root, "sources/remote"), os.DirFS(filepath.Join(other.root, "www"))); err != nil {
		t.Fatal(err)
	}
}

// The entry ubports tags images with the day, and counts those of one day.
func TestDateTags(t *testing.T) {
	s := importer(t, "ubports, version", "file_ubports = http;http://h/r.tar.xz;name=ubports,monitor=http://h/r", "file_version = version")
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	s.Now = func() time.Time { return day }
	var got []string
	for n, version := range []string{"a", "b", "c", "d"} {
		if n == 3 {
			day = day.AddDate(0, 0, 1)
		}
		if err := s.AddBuild(Build{URL: "http://h/r.tar.xz", Monitor: "http://h/r", Version: version}); err != nil {
			t.Fatal(err)
		}
		for _, line := range importRun(t, s) {
			if strings.Contains(line, "Publishing") {
				got = append(got, line)
			}
		}
	}
	want := []string{
		"INFO Publishing new image '1' (tag=2026-03-01,ubports=a,version=1) with 2 files.",
		"INFO Publishing new image '2' (tag=2026-03-01/2,ubports=b,version=2) with 2 files.",
		"INFO Publishing new image '3' (tag=2026-03-01/3,ubports=c,version=3) with 2 files.",
		"INFO Publishing new image '4' (tag=2026-03-02,ubports=d,version=4) with 2 files.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

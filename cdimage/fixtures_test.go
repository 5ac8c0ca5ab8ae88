package cdimage_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/landingteam/landing/cdimage"
)

// replacing is a folder whose expected.json says something else.
type replacing struct {
	fs.FS
	from, to string
}

func (r replacing) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(r.FS, name)
	return bytes.ReplaceAll(b, []byte(r.from), []byte(r.to)), err
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return string(b)
}

func parseBuild(t testing.TB, text string) *cdimage.BuildLog {
	t.Helper()
	l, err := cdimage.ParseBuildLog(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func parseLivefs(t testing.TB, text string) *cdimage.LivefsLog {
	t.Helper()
	l, err := cdimage.ParseLivefsLog(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// insert puts text before the first line that begins with mark.
func insert(t testing.TB, log, mark, text string) string {
	t.Helper()
	i := strings.Index("\n"+log, "\n"+mark)
	if i < 0 {
		t.Fatalf("no line begins with %q", mark)
	}
	return log[:i] + text + log[i:]
}

// recordedBuildLogs are the cd-build-logs of the folder testdata, by path.
func recordedBuildLogs(t testing.TB) map[string]string {
	t.Helper()
	logs := map[string]string{}
	err := fs.WalkDir(os.DirFS("testdata/cd-build-logs"), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".log") {
			logs[name] = read(t, "cd-build-logs/"+name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

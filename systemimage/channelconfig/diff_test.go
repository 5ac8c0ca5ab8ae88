package channelconfig

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConfigChanges(t *testing.T) {
	parse := func(text string) *Config {
		c, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a := parse("[DEFAULT]\nfullcount = 3\n[global]\nchannels = a, b\n# comment\n[channel_a]\ntype = auto\nfiles = x,\n[channel_b]\n")
	b := parse("[DEFAULT]\nfullcount = 4\n[global]\nchannels = \"a\" ,  c\n[channel_a]\ntype: manual\nversionbase = 2\n[channel_c]\ntype = auto\n")
	var got []string
	for _, c := range a.Changes(b) {
		got = append(got, c.String())
	}
	want := []string{
		`[global]: channels is a", c, was a, b`, "[global]: fullcount is 4, was 3",
		"channel a: type is manual, was auto", "channel a: versionbase = 2 is added", "channel a: fullcount is 4, was 3",
		"channel c is added", "channel c: type = auto is added", "channel c: fullcount = 4 is added",
		"channel a: files = x, is removed", "channel b is removed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got)\n%s", diff)
	}
	if c := a.Changes(a); c != nil {
		t.Errorf("changes of nothing: %v", c)
	}
}

func TestConfigDiff(t *testing.T) {
	var lines []string
	for i := range 30 {
		lines = append(lines, fmt.Sprintf("[%d]", i))
	}
	c, _ := Parse([]byte(strings.Join(lines, "\n") + "\n"))
	d, _ := Parse([]byte(strings.Join(slices.Concat(lines[:3], []string{"[x]"}, lines[3:10], lines[11:29], []string{"[y]"}), "\n")))
	want := `--- etc/config
+++ etc/config
@@ -1,6 +1,7 @@
 [0]
 [1]
 [2]
+[x]
 [3]
 [4]
 [5]
@@ -8,7 +9,6 @@
 [7]
 [8]
 [9]
-[10]
 [11]
 [12]
 [13]
@@ -27,4 +27,4 @@
 [26]
 [27]
 [28]
-[29]
+[y]
\ No newline at end of file
`
	if diff := cmp.Diff(want, c.Diff(d, "etc/config")); diff != "" {
		t.Errorf("diff (-want +got)\n%s", diff)
	}
	if got := c.Diff(c, "etc/config"); got != "" {
		t.Errorf("diff of equal texts: %s", got)
	}
}

// From one text and the diff one gets the other, and back.
func TestConfigDiffProperty(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	text := func() *Config {
		var b strings.Builder
		for range r.IntN(30) {
			b.WriteString([]string{"a\n", "b\n", "c\n", "\n", "d\r\n"}[r.IntN(5)])
		}
		if r.IntN(3) == 0 {
			b.WriteString("e")
		}
		c, _ := Parse([]byte(b.String()))
		return c
	}
	for range 3000 {
		a, b := text(), text()
		d := a.Diff(b, "c")
		forward, back := patch(t, string(a.text), d, "-", "+"), patch(t, string(b.text), d, "+", "-")
		if forward != string(b.text) || back != string(a.text) {
			t.Fatalf("seed %d: diff of %q and %q\n%s\ngives %q and %q", seed, a.text, b.text, d, forward, back)
		}
	}
}

// patch applies a unified diff, with the signs of what goes and what comes.
func patch(t *testing.T, text, diff, goes, comes string) string {
	t.Helper()
	old, out, at := diffLines([]byte(text)), "", 0
	lines := strings.SplitAfter(diff, "\n")
	for i := 2; i < len(lines); i++ {
		line := lines[i]
		if line == "" {
			break
		}
		var a, na, b, nb int
		if n, _ := fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &a, &na, &b, &nb); n == 4 {
			from, count := a, na
			if goes == "+" {
				from, count = b, nb
			}
			if count > 0 {
				from--
			}
			for ; at < from; at++ {
				out += old[at]
			}
			continue
		}
		body := line[1:]
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\\") {
			body = strings.TrimSuffix(body, "\n")
		}
		switch line[:1] {
		case " ", goes:
			if at >= len(old) || old[at] != body {
				t.Fatalf("the diff does not fit %q\n%s", text, diff)
			}
			at++
			if line[:1] == " " {
				out += body
			}
		case comes:
			out += body
		}
	}
	return out + strings.Join(old[at:], "")
}

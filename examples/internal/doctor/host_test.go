package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const healthy = `user lander
owner lander
shell /bin/dash
clock 1795000000
tool cat
tool mv
tool stat
tool sha256sum
tool setsid
tool flock
tool crontab
tool xz
tool gpg
space 99000000 /srv/si/www
inodes 500000 1000000 /srv/si/www
tmp /tmp
end facts
`

// What a host says about itself, and what is made of it.
func TestHostFacts(t *testing.T) {
	t.Parallel()
	now := time.Unix(1795000000, 0)
	without := func(line string) string { return strings.Replace(healthy, line+"\n", "", 1) }
	with := func(old, line string) string { return strings.Replace(healthy, old, line, 1) }
	tests := map[string]struct {
		text string
		want []string
	}{
		"healthy":            {healthy, nil},
		"somebody else":      {with("user lander", "user root"), []string{"warning: we are root there and the tree belongs to lander"}},
		"no flock":           {without("tool flock"), []string{"warning: there is no flock"}},
		"no setsid":          {without("tool setsid"), []string{"warning: there is no setsid"}},
		"no xz":              {without("tool xz"), []string{"failed: there is no xz"}},
		"no crontab":         {without("tool crontab"), []string{"failed: there is no crontab"}},
		"no time":            {without("clock 1795000000"), []string{"warning: the host does not tell its time"}},
		"a little behind":    {with("1795000000", "1794999900"), []string{"warning: the host's clock is 1m40s behind ours"}},
		"an hour ahead":      {with("1795000000", "1795003600"), []string{"failed: the host's clock is 1h0m0s ahead of ours"}},
		"little room":        {with("space 99000000", "space 1000000"), []string{"warning: /srv/si/www has 1.0 GiB left"}},
		"no room":            {with("space 99000000", "space 10"), []string{"failed: /srv/si/www has 0.0 GiB left"}},
		"inodes run out":     {with("500000 1000000", "12 1000000"), []string{"failed: /srv/si/www has room for 12 more files"}},
		"inodes not counted": {with("500000 1000000", "0 0"), nil},
		"df has failed":      {with("space 99000000", "space "), nil},
		"no place for files": {without("tmp /tmp"), []string{"failed: the folder for temporary files"}},
		"carriage returns":   {strings.ReplaceAll(healthy, "\n", "\r\n"), nil},
		"words of a profile": {"Welcome!\n\n" + healthy, nil},
		"hostile numbers":    {with("space 99000000", "space 99999999999999999999"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parseFacts(tt.text)
			f.asked = now
			h := &Host{Section: string(imageServer)}
			var got []string
			for _, judge := range []func(facts, *Host) []Result{judgeUser, judgeClock, judgeTools, judgeDisk} {
				for _, r := range judge(f, h) {
					if r.State != OK {
						got = append(got, string(r.State)+": "+r.Text)
					}
				}
			}
			if len(got) == len(tt.want) {
				for i := range got {
					if strings.HasPrefix(got[i], tt.want[i]) {
						got[i] = tt.want[i]
					}
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("not ok (-want +got)\n%s", d)
			}
		})
	}
}

func FuzzFacts(f *testing.F) {
	f.Add(healthy)
	f.Add("space -1 \ninodes x y z\nclock 99999999999999999999\nhelp \x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		x := parseFacts(text)
		h := &Host{Section: string(imageServer)}
		for _, judge := range []func(facts, *Host) []Result{judgeUser, judgeClock, judgeTools, judgeDisk} {
			if len(judge(x, h)) == 0 {
				t.Error("a check came to nothing")
			}
		}
	})
}

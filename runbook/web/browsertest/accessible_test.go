package browsertest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/web"
)

// accessible lets axe-core look at a page, in both widths: nothing serious is found.
func (b *browser) accessible(t *testing.T) {
	t.Helper()
	if *axe == "" {
		t.Fatal("-args -axe PATH/axe.min.js: npm pack axe-core")
	}
	script, err := os.ReadFile(*axe)
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int64{1280, 390} {
		b.do(t, chromedp.EmulateViewport(width, 900), chromedp.Evaluate[chromedp.Void](string(script)))
		found := run(t, b, chromedp.Evaluate[string](`axe.run(document).then(r => JSON.stringify(r.violations.map(
				v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html)}))))`, chromedp.EvalAwaitPromise))
		var violations []struct {
			ID     string   `json:"id"`
			Impact string   `json:"impact"`
			Help   string   `json:"help"`
			Nodes  []string `json:"nodes"`
		}
		if err := json.Unmarshal([]byte(found), &violations); err != nil {
			t.Fatal(err)
		}
		for _, v := range violations {
			if v.Impact == "serious" || v.Impact == "critical" {
				t.Errorf("%d pixels: %s: %s: %s: %q", width, v.Impact, v.ID, v.Help, v.Nodes)
			} else {
				t.Logf("%d pixels: %s: %s: %s: %q", width, v.Impact, v.ID, v.Help, v.Nodes)
			}
		}
	}
}

// A report stands alone: it opens from a file, with its style and its picture.
func TestReport(t *testing.T) {
	s := newScene(t)
	for _, name := range []string{"release.done.jsonl", "backout.cut.jsonl"} {
		status, err := runbook.ReadStatus(filepath.Join("../../procedure/testdata/journals", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.dir, name+".html")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := web.ReportHTML(file, status); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		b := s.newBrowser(t, "", true)
		b.do(t, chromedp.Navigate("file://"+path))
		if ground := run(t, b, chromedp.Evaluate[string](`getComputedStyle(document.querySelector(".facts")).display`)); ground != "grid" {
			t.Errorf("%s: the style sheet is not in force: %q", name, ground)
		}
		b.looks(t, "report-"+name)
		b.accessible(t)
	}
}

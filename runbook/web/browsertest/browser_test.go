package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience is for one thing to be seen, on a machine that has much to do.
const patience = 60 * time.Second

// A browser is one person's.
type browser struct {
	ctx  context.Context
	name string
}

// newBrowser opens a browser of its own: as somebody, with scripts or without.
func (s *scene) newBrowser(t *testing.T, who string, scripts bool) *browser {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Fatalf("%v: apt-get install chromium", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.WindowSize(1280, 900))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closed := chromedp.NewContext(alloc)
	t.Cleanup(closed)
	b := &browser{ctx, who}
	if err := chromedp.Do(ctx); err != nil { // the browser lives as long as this context
		t.Fatal(err)
	}
	call(t, b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"User": who}})
	call(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	return b
}

// run runs one action, for as long as patience lasts.
func run[T any](t *testing.T, b *browser, a chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatalf("%s's browser: %v", b.name, err)
	}
	return got
}

// call sends one command of the protocol.
func call[P, R any](t *testing.T, b *browser, c cdp.Command[P, R], params P) R {
	t.Helper()
	got, err := chromedp.Call(b.ctx, c, params)
	if err != nil {
		t.Fatalf("%s's browser: %v", b.name, err)
	}
	return got
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	run(t, b, chromedp.Steps(steps...))
}

// text is what the page says; scripts of the page may be off. A page that goes away while
// it is asked is not one: the next is waited for.
func (b *browser) text(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
		switch {
		case err == nil:
			return text
		case !betweenPages(err):
			t.Fatalf("%s's browser: %v", b.name, err)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s's browser has no page: %v", b.name, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// betweenPages says that what was asked is no longer there: a node, or the page it was
// on. The protocol has one number for it, and many words ("No node with given id found",
// "Cannot find context with specified id").
func betweenPages(err error) bool {
	const serverError = -32000
	var refused *cdproto.Error
	return errors.As(err, &refused) && refused.Code == serverError
}

// sees waits until the page says it, without being loaded again.
func (b *browser) sees(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		text := b.text(t)
		if strings.Contains(text, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not see %q:\n%s", b.name, want, text)
		}
	}
}

// finds loads a page until it says something, as somebody without scripts does.
func (b *browser) finds(t *testing.T, url, want string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		b.do(t, chromedp.Navigate(url))
		if text := b.text(t); strings.Contains(text, want) {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("%s does not find %q:\n%s", b.name, want, text)
		}
	}
}

func (b *browser) seesNot(t *testing.T, text string) {
	t.Helper()
	if got := b.text(t); strings.Contains(got, text) {
		t.Fatalf("%s sees %q:\n%s", b.name, text, got)
	}
}

// answers fills in the form and presses the button.
func (b *browser) answers(t *testing.T, button, reason string) {
	t.Helper()
	b.do(t, chromedp.SendKeys(chromedp.CSS("textarea[name=reason]"), reason))
	b.press(t, button)
}

func (b *browser) press(t *testing.T, button string) {
	t.Helper()
	b.do(t, chromedp.Click(chromedp.CSS("button."+button)))
}

// looks keeps screenshots of a page in both widths and both colours.
func (b *browser) looks(t *testing.T, name string) {
	t.Helper()
	if *shots == "" {
		return
	}
	for _, width := range []int64{1280, 390} {
		for _, colours := range []string{"light", "dark"} {
			call(t, b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
			call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}})
			png := run(t, b, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%d-%s.png", name, width, colours)), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	call(t, b, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
}

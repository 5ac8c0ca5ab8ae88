package browsertest

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// A release goes on in another process: it is watched live, killed and started again
// while its page is open, and its questions are answered by two people, one of them
// without scripts. Who started it may not.
func TestRelease(t *testing.T) {
	s := newScene(t)
	page := s.url + "/run/release.journal/"
	anna, olga, ben := s.newBrowser(t, "anna", true), s.newBrowser(t, "olga", true), s.newBrowser(t, "ben", false)
	anna.do(t, chromedp.Navigate(s.url+"/"))
	anna.sees(t, "There is no run yet")
	release := s.process(t, "release")
	anna.sees(t, "Release these 3 images as OTA-5?")
	anna.do(t, chromedp.Click(chromedp.CSS("a[href='run/release.journal/']")))
	anna.sees(t, "No, end this run")
	anna.looks(t, "asked")
	anna.accessible(t)

	olga.do(t, chromedp.Navigate(page))
	olga.sees(t, "Olga may not answer this; it needs somebody else.")
	if forms := run(t, olga, chromedp.Evaluate[int](`document.querySelectorAll("form").length`)); forms != 0 {
		t.Errorf("olga has %d forms", forms)
	}

	anna.do(t, chromedp.Reload())
	anna.answers(t, "yes", "tested on both phones")
	olga.sees(t, "approved by anna: tested on both phones")
	anna.sees(t, "approved by anna: tested on both phones")
	anna.do(t, chromedp.Evaluate[chromedp.Void](`window.loadedOnce = true`))
	anna.sees(t, "Raise the phased percentage from 30% to 100%?")
	if !run(t, anna, chromedp.Evaluate[bool](`window.loadedOnce === true`)) {
		t.Error("the page was loaded anew")
	}

	// What somebody writes while the page is renewed stays.
	anna.do(t, chromedp.SendKeys(chromedp.CSS("textarea[name=reason]"), "half a sen"))
	if err := release.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = release.Wait() // it was killed
	anna.sees(t, "cut off: the last start did not come to an end")
	olga.sees(t, "cut off: the last start did not come to an end")
	if written := run(t, anna, chromedp.Value(chromedp.CSS("textarea[name=reason]"))); written != "half a sen" {
		t.Errorf("of what anna wrote %q is left", written)
	}
	anna.looks(t, "cutoff")

	release = s.process(t, "release")
	anna.sees(t, "start 2")
	ben.finds(t, page, "Raise the phased percentage from 30% to 100%?")
	ben.answers(t, "yes", "no crash reports")
	ben.sees(t, "Your answer is delivered: yes.")
	ben.finds(t, page, "all images are at 100 %")
	ended(t, release)
	anna.sees(t, "nothing; all is done")
	olga.sees(t, "approved by ben: no crash reports")
	anna.sees(t, "all images are at 100 %")
	anna.looks(t, "done")
	anna.accessible(t)
	anna.do(t, chromedp.Navigate(s.url+"/"))
	anna.sees(t, "release.journal")
	anna.looks(t, "list")
	anna.accessible(t)
}

// Two people answer at once: one wins, and the other is told who.
func TestTwoAnswerAtOnce(t *testing.T) {
	s := newScene(t)
	ended(t, s.process(t, "image 41"))
	page := s.url + "/run/question.journal/"
	anna, ben := s.newBrowser(t, "anna", false), s.newBrowser(t, "ben", false)
	for _, b := range []*browser{anna, ben} {
		b.do(t, chromedp.Navigate(page))
		b.sees(t, "Is the fix public?")
	}
	anna.answers(t, "yes", "it is")
	ben.answers(t, "yes", "it is")
	anna.sees(t, "Your answer is delivered: yes.")
	ben.sees(t, "anna was faster, and said yes")
	ended(t, s.process(t, "image 41"))
	ben.finds(t, page, "approved by anna: it is")
}

// An answer on a page that shows older evidence is refused, and the difference shown.
func TestOldEvidence(t *testing.T) {
	s := newScene(t)
	ended(t, s.process(t, "image 41"))
	page := s.url + "/run/question.journal/"
	anna := s.newBrowser(t, "anna", false)
	anna.do(t, chromedp.Navigate(page))
	anna.sees(t, "image 41")
	ended(t, s.process(t, "image 42"))
	anna.answers(t, "yes", "tested")
	anna.sees(t, "about something else than what is asked now")
	anna.sees(t, "- image 41")
	anna.sees(t, "+ image 42")
	anna.looks(t, "other")
	anna.do(t, chromedp.Navigate(page))
	anna.sees(t, "image 42")
	// A no is asked back.
	anna.answers(t, "no", "not yet")
	anna.sees(t, "No ends this run for good")
	anna.looks(t, "sure")
	anna.press(t, "later")
	anna.sees(t, "the question stays open")
	anna.seesNot(t, "rejected")
}

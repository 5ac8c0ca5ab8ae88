package mailbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/runbook/mailbox"
	"github.com/landingteam/landing/runbook/runbooktest"
)

// is fails the test unless err is want.
func is(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// image is evidence with a text.
type image int

func (i image) AppendText(b []byte) ([]byte, error) { return fmt.Appendf(b, "image %d", int(i)), nil }

// gate asks about evidence.
func gate(evidence *image) runbook.Procedure {
	return func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "g", Question: "go?", Evidence: *evidence, Not: []string{"operator"}})
	}
}

// files are what stands in a folder.
func files(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	is(t, err, nil)
	return names
}

// What was answered about one try of an effect says nothing of the next, which may
// come into doubt with the same words.
func TestDoubtOfALaterTry(t *testing.T) {
	box := &mailbox.Box{Dir: filepath.Join(t.TempDir(), mailbox.Folder)}
	tries := 0
	x := &runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Human: box}
	p := func(ctx context.Context, r *runbook.Run) error {
		_, err := runbook.Do(ctx, r, runbook.Step[int]{Name: "copy", Intent: "copy", Do: func(context.Context) (int, error) {
			tries++
			return 0, &runbook.Error{Kind: runbook.ErrInDoubt, Text: "the link was lost"}
		}})
		return err
	}
	for want := 1; want <= 3; want++ {
		is(t, x.Execute(t.Context(), p), runbook.ErrInDoubt)
		is(t, x.Execute(t.Context(), p), runbook.ErrPending)
		if tries != want {
			t.Fatalf("tried %d times, want %d", tries, want)
		}
		open, err := box.Open()
		is(t, err, nil)
		if len(open) != 1 {
			t.Fatalf("after try %d %d questions are open", tries, len(open))
		}
		is(t, box.Answer(open[0], runbook.Answer{Verdict: runbook.No, By: "qa", Reason: "not there"}), nil)
	}
}

// What a person writes with an editor counts when it is a whole answer to this question.
func TestWrittenByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), mailbox.Folder)
	evidence := image(42)
	x := &runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Human: &mailbox.Box{Dir: dir}}
	p := gate(&evidence)
	is(t, x.Execute(t.Context(), p), runbook.ErrPending)
	questions := files(t, filepath.Join(dir, "*.question.json"))
	if len(questions) != 1 {
		t.Fatalf("questions %v", questions)
	}
	text, err := os.ReadFile(questions[0])
	is(t, err, nil)
	var letter struct {
		Text, Shown, Digest string
		Evidence            int
		AnswerFile          string `json:"answer_file"`
	}
	if err := json.Unmarshal(text, &letter); err != nil || letter.Text != "go?" || letter.Shown != "image 42" || letter.Evidence != 42 {
		t.Fatalf("question %s, %v", text, err)
	}
	answer := filepath.Join(dir, letter.AnswerFile)
	for _, tc := range []struct {
		text string
		want error
		says string
	}{
		{`{"verdict":`, runbook.ErrPending, "is not an answer"},
		{`{"verdict":"yes","by":"qa"}`, runbook.ErrPending, "does not carry the digest"},
		{`{"verdict":"yes","by":"qa","digest":"00"}`, runbook.ErrPending, "does not carry the digest"},
		{`{"verdict":"yes","by":"qa","digest":"DIGEST","approve":1}`, runbook.ErrPending, "is not an answer"},
		{strings.Repeat(" ", 17<<20), runbook.ErrPending, "longer than"},
		{`{"verdict":"yes","by":"qa","digest":"DIGEST"} {"verdict":"no","by":"dev","digest":"DIGEST"}`, runbook.ErrPending, "more than one answer"},
		{`{"verdict":"later","by":"qa","digest":"DIGEST"}`, runbook.ErrPending, "qa says later"},
		{`{"verdict":"yes","by":"Operator","digest":"DIGEST"}`, runbook.ErrPending, "may not answer"},
		{`{"verdict":"yes","by":"qa","account":"operator","digest":"DIGEST"}`, runbook.ErrPending, "may not answer"},
		{`{"verdict":"yes","by":"qa","digest":"DIGEST"}`, nil, ""},
	} {
		is(t, os.WriteFile(answer, []byte(strings.ReplaceAll(tc.text, "DIGEST", letter.Digest)), 0o600), nil)
		open, err := (&mailbox.Box{Dir: dir}).Open()
		if stillOpen := tc.want != nil && tc.says != "qa says later"; err != nil || (len(open) == 1) != stillOpen {
			t.Errorf("%.80s: open: %v, %v", tc.text, open, err)
		}
		err = x.Execute(t.Context(), p)
		is(t, err, tc.want)
		if err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%.80s: %v does not say %q", tc.text, err, tc.says)
		}
	}
	is(t, x.Execute(t.Context(), p), nil)
	evidence = 43 // the answer is about 42
	is(t, x.Execute(t.Context(), p), runbook.ErrPending)
	if again := files(t, filepath.Join(dir, "*.question.json")); len(again) != 1 || again[0] == questions[0] {
		t.Errorf("the question about other evidence does not replace the first: %v", again)
	}
	if left := files(t, filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// An answer that came in time counts although nobody looked in time; one that
// came late does not.
func TestDeadline(t *testing.T) {
	for _, tc := range []struct {
		after time.Duration
		err   error
	}{{30 * time.Minute, nil}, {90 * time.Minute, runbook.ErrTimeout}} {
		box := &mailbox.Box{Dir: t.TempDir()}
		x := &runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Human: box}
		p := func(ctx context.Context, r *runbook.Run) error {
			return r.Gate(ctx, runbook.Gate{Name: "g", Question: "go?", Timeout: time.Hour})
		}
		is(t, x.Execute(t.Context(), p), runbook.ErrPending)
		open, err := box.Open()
		if err != nil || len(open) != 1 {
			t.Fatal(open, err)
		}
		is(t, box.Answer(open[0], runbook.Answer{Verdict: runbook.Yes, By: "qa"}), nil)
		answer := files(t, filepath.Join(box.Dir, "*.answer.json"))[0]
		is(t, os.Chtimes(answer, time.Time{}, open[0].Asked.Add(tc.after)), nil)
		is(t, x.Execute(t.Context(), p), tc.err)
	}
}

// Of two who answer at once one is heard, and the other one is told.
func TestOneAnswerWins(t *testing.T) {
	box, evidence := &mailbox.Box{Dir: t.TempDir()}, image(42)
	j := &runbooktest.Memory{}
	x := &runbook.Runner{Name: "n", Journal: j, Human: box}
	is(t, x.Execute(t.Context(), gate(&evidence)), runbook.ErrPending)
	open, err := box.Open()
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	told := map[bool]int{}
	for i := range 20 {
		wg.Go(func() {
			err := box.Answer(open[0], runbook.Answer{Verdict: []runbook.Verdict{runbook.Yes, runbook.No}[i%2], By: fmt.Sprint("qa", i)})
			if err != nil && !errors.Is(err, mailbox.ErrAnswered) {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			told[err == nil]++
		})
	}
	wg.Wait()
	if d := cmp.Diff(map[bool]int{true: 1, false: 19}, told); d != "" {
		t.Errorf("heard (-want +got)\n%s", d)
	}
	first, err := box.Given(open[0])
	is(t, err, nil)
	err = x.Execute(t.Context(), gate(&evidence))
	if (first.Verdict == runbook.Yes) != (err == nil) {
		t.Errorf("%s said %s, and the run ended with %v", first.By, first.Verdict, err)
	}
	if open, err := box.Open(); err != nil || len(open) > 0 {
		t.Errorf("still open: %v, %v", open, err)
	}
}

// What cannot count is not written, and a question that is gone takes no answer.
func TestAnswerIsChecked(t *testing.T) {
	box, evidence := &mailbox.Box{Dir: t.TempDir()}, image(42)
	x := &runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Human: box}
	is(t, x.Execute(t.Context(), gate(&evidence)), runbook.ErrPending)
	open, err := box.Open()
	is(t, err, nil)
	q := open[0]
	for _, a := range []runbook.Answer{
		{Verdict: "maybe", By: "qa"}, {Verdict: runbook.Yes}, {Verdict: runbook.Yes, By: "operator"},
		{Verdict: runbook.Yes, By: "qa", Account: "operator"}, {Verdict: runbook.Yes, By: "qa", Digest: "00"},
	} {
		is(t, box.Answer(q, a), runbook.ErrPending)
	}
	is(t, box.Answer(q, runbook.Answer{Verdict: runbook.Later, By: "qa"}), nil)
	if written := files(t, filepath.Join(box.Dir, "*.answer.json")); len(written) > 0 {
		t.Errorf("written: %v", written)
	}
	evidence = 43
	is(t, x.Execute(t.Context(), gate(&evidence)), runbook.ErrPending)
	is(t, box.Answer(q, runbook.Answer{Verdict: runbook.Yes, By: "qa"}), mailbox.ErrNotAsked)
}

// Files are for their owner, or for the group that the folder is for.
func TestFilesAreNotForAll(t *testing.T) {
	for _, tc := range []struct{ dir, want os.FileMode }{{0, 0o600}, {0o700, 0o600}, {0o755, 0o640}, {0o770, 0o660}} {
		box, evidence := &mailbox.Box{Dir: filepath.Join(t.TempDir(), "box")}, image(42)
		if tc.dir != 0 {
			is(t, os.Mkdir(box.Dir, tc.dir), nil)
			is(t, os.Chmod(box.Dir, tc.dir), nil)
		}
		x := &runbook.Runner{Name: "n", Journal: &runbooktest.Memory{}, Human: box}
		is(t, x.Execute(t.Context(), gate(&evidence)), runbook.ErrPending)
		open, err := box.Open()
		is(t, err, nil)
		is(t, box.Answer(open[0], runbook.Answer{Verdict: runbook.Yes, By: "qa"}), nil)
		for _, name := range files(t, filepath.Join(box.Dir, "*")) {
			info, err := os.Stat(name)
			is(t, err, nil)
			if info.Mode().Perm() != tc.want {
				t.Errorf("in a folder %v: %s is %v, want %v", tc.dir, name, info.Mode().Perm(), tc.want)
			}
		}
		if info, err := os.Stat(box.Dir); err != nil || tc.dir == 0 && info.Mode().Perm() != 0o700 {
			t.Errorf("folder %v, %v", info.Mode(), err)
		}
	}
}

// A box that waits is answered while the run goes on.
func TestAskWaits(t *testing.T) {
	box := &mailbox.Box{Dir: t.TempDir(), Every: time.Millisecond}
	q := runbook.Question{Run: "r", Step: "g", Text: "go?", Digest: "d"}
	go func() {
		for {
			open, err := box.Open()
			if err != nil {
				t.Error(err)
				return
			}
			if len(open) == 1 {
				if err := box.Answer(open[0], runbook.Answer{Verdict: runbook.Yes, By: "qa", Account: "qa"}); err != nil {
					t.Error(err)
				}
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	a, err := box.Ask(t.Context(), q)
	a.Time = time.Time{}
	if d := cmp.Diff(runbook.Answer{Verdict: runbook.Yes, By: "qa", Account: "qa", Digest: "d"}, a); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	is(t, box.Withdraw(q), nil)
	is(t, box.Withdraw(q), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = box.Ask(ctx, runbook.Question{Run: "r", Step: "h", Digest: "d"})
	is(t, err, context.Canceled)
}

func ExampleBox() {
	dir, err := os.MkdirTemp("", "mailbox-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	box := &mailbox.Box{Dir: dir}
	x := &runbook.Runner{Name: "release", Journal: &runbooktest.Memory{}, Human: box}
	p := func(ctx context.Context, r *runbook.Run) error {
		return r.Gate(ctx, runbook.Gate{Name: "go", Question: "Release OTA-13?"})
	}
	fmt.Println("first start:", runbook.Ending(x.Execute(context.Background(), p)))
	open, err := box.Open() // elsewhere
	for _, q := range open {
		fmt.Println(q.Text)
		err = box.Answer(q, runbook.Answer{Verdict: runbook.Yes, By: "anna"})
	}
	fmt.Println("second start:", runbook.Ending(x.Execute(context.Background(), p)), err)
	// Output:
	// first start: pending
	// Release OTA-13?
	// second start: done <nil>
}

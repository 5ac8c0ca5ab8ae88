package temporal

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// refusal is the type of what a workflow refuses with; "" is none.
func refusal(err error) string {
	var app *sdk.ApplicationError
	if errors.As(err, &app) {
		return app.Type()
	}
	return ""
}

// Who may lock after whom.
func TestCheckLock(t *testing.T) {
	t.Parallel()
	person := lockRequest{Owner: "anna"}
	first := lockRequest{Owner: "start 1", Epoch: 5, Start: 1}
	second := lockRequest{Owner: "start 2", Epoch: 5, Start: 2}
	for name, tt := range map[string]struct {
		held bool
		by   lockRequest
		q    lockRequest
		want string
	}{
		"free":                        {q: first},
		"again":                       {held: true, by: first, q: first},
		"a later start":               {held: true, by: first, q: second},
		"a woken earlier start":       {held: true, by: second, q: first, want: refusedSuperseded},
		"an earlier start, all ended": {by: second, q: first, want: refusedSuperseded},
		"a person beside a run":       {held: true, by: first, q: person, want: refusedLocked},
		"a run beside a person":       {held: true, by: person, q: first, want: refusedLocked},
		"two persons":                 {held: true, by: person, q: lockRequest{Owner: "bert"}, want: refusedLocked},
		"a person after a run":        {by: second, q: person},
		"a person takes it":           {held: true, by: second, q: lockRequest{Owner: "anna", Take: true}},
		"a run after one who took it": {held: true, by: lockRequest{Owner: "anna", Take: true}, q: second, want: refusedLocked},
		"another epoch":               {held: true, by: second, q: lockRequest{Owner: "run 2", Epoch: 6, Start: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &journalState{held: tt.held, lock: tt.by}
			if got := refusal(s.checkLock(tt.q)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// What may be appended by whom.
func TestCheckAppend(t *testing.T) {
	t.Parallel()
	base := func() *journalState {
		return &journalState{held: true, token: 3, lines: [][]byte{[]byte("a"), []byte("b")}}
	}
	for name, tt := range map[string]struct {
		change func(s *journalState)
		q      appendRequest
		want   string
	}{
		"next":            {q: appendRequest{Token: 3, N: 3, Line: []byte("c")}},
		"sent again":      {q: appendRequest{Token: 3, N: 2, Line: []byte("b")}},
		"another second":  {q: appendRequest{Token: 3, N: 2, Line: []byte("x")}, want: refusedOrder},
		"a gap":           {q: appendRequest{Token: 3, N: 4, Line: []byte("d")}, want: refusedOrder},
		"line 0":          {q: appendRequest{Token: 3, N: 0, Line: []byte("d")}, want: refusedOrder},
		"an old token":    {q: appendRequest{Token: 2, N: 3, Line: []byte("c")}, want: refusedSuperseded},
		"after unlock":    {change: func(s *journalState) { s.held = false }, q: appendRequest{Token: 3, N: 3}, want: refusedSuperseded},
		"a long line":     {q: appendRequest{Token: 3, N: 3, Line: make([]byte, maxLine+1)}, want: refusedFull},
		"the longest":     {q: appendRequest{Token: 3, N: 3, Line: make([]byte, maxLine)}},
		"a full journal":  {change: func(s *journalState) { s.packed = maxPacked }, q: appendRequest{Token: 3, N: 3, Line: []byte("c")}, want: refusedFull},
		"full, settled":   {change: func(s *journalState) { s.packed, s.lock.Settle = maxPacked, true }, q: appendRequest{Token: 3, N: 3, Line: []byte("c")}},
		"settled long":    {change: func(s *journalState) { s.packed, s.lock.Settle = maxPacked+reserve, true }, q: appendRequest{Token: 3, N: 3, Line: []byte("c")}, want: refusedFull},
		"full, but again": {change: func(s *journalState) { s.packed = maxPacked }, q: appendRequest{Token: 3, N: 2, Line: []byte("b")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := base()
			if tt.change != nil {
				tt.change(s)
			}
			if got := refusal(s.checkAppend(tt.q)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// A journal goes on in a new execution, byte for byte.
func TestJournalGoesOn(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterWorkflowWithOptions(journalWorkflow, workflow.RegisterOptions{Name: journalType})
	var want [][]byte
	env.RegisterDelayedCallback(func() {
		accept := &testsuite.TestUpdateCallback{OnAccept: func() {}, OnReject: func(err error) { t.Error(err) }, OnComplete: func(any, error) {}}
		env.UpdateWorkflow(updateLock, "lock", accept, lockRequest{Owner: "a", Epoch: 1, Start: 1})
		for n := 1; n < maxUpdates; n++ {
			line := fmt.Appendf(nil, `{"n":%d}`, n)
			want = append(want, line)
			env.UpdateWorkflow(updateAppend, fmt.Sprint("append", n), accept, appendRequest{Token: 1, N: n, Line: line})
		}
	}, time.Second)
	env.ExecuteWorkflow(journalType, journalSnapshot{})
	var next *workflow.ContinueAsNewError
	if err := env.GetWorkflowError(); !errors.As(err, &next) {
		t.Fatalf("%v, want the next execution", err)
	}
	var in journalSnapshot
	if err := suiteDecode(next, &in); err != nil {
		t.Fatal(err)
	}
	s, err := restore(in)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, s.lines); d != "" || !s.held || s.token != 1 || s.lock.Owner != "a" {
		t.Errorf("the next execution has %d lines, held %v, token %d (-want +got)\n%s", len(s.lines), s.held, s.token, d)
	}
}

// The fullest journal fits into what a server takes, as its next execution gets it.
func TestJournalFits(t *testing.T) {
	t.Parallel()
	p, err := converter.GetDefaultDataConverter().ToPayload(journalSnapshot{Lines: make([]byte, maxPacked+reserve), Lock: lockRequest{Owner: strings.Repeat("x", 1000)}})
	if err != nil || len(p.GetData()) > 2<<20 {
		t.Errorf("%d bytes, %v: want 2 MiB at most", len(p.GetData()), err)
	}
}

func TestPack(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][][]byte{
		"none": nil, "one": {[]byte("a")}, "empty ones": {{}, []byte("b"), {}}, "odd bytes": {{0, 255, '\r'}, bytes.Repeat([]byte("x"), 1<<20)},
	} {
		b, err := pack(lines)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(b)
		if err != nil || len(got) != len(lines) {
			t.Errorf("%s: %d lines of %d, %v", name, len(got), len(lines), err)
		}
		for i := range got {
			if !bytes.Equal(got[i], lines[i]) {
				t.Errorf("%s: line %d differs", name, i+1)
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	good, _ := pack([][]byte{[]byte("a"), []byte("b")})
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("no gzip"))
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, err := unpack(b)
		if err != nil {
			return
		}
		for _, l := range lines {
			if bytes.IndexByte(l, '\n') >= 0 {
				t.Errorf("a line with a line end: %q", l)
			}
		}
		if packed, err := pack(lines); err != nil {
			t.Error(err)
		} else if again, err := unpack(packed); err != nil || len(again) != len(lines) {
			t.Errorf("%d lines, then %d, %v", len(lines), len(again), err)
		}
	})
}

func TestGoodID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"OTA-13": true, "nightly-2026-11-28T18:00:00Z": true, "": false, "a/journal": false, "../x": false, ".x": false, "a b": false, "ä": false,
		strings.Repeat("a", 201): false,
	} {
		if got := goodID(id); got != want {
			t.Errorf("%q: %v, want %v", id, got, want)
		}
	}
}

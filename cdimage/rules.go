package cdimage

import (
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"sync"
)

// A Rule says that a line which matches Pattern points at a cause of Class, and
// what to do about that cause. Rules are values: copy a table, change or append,
// and compile it. A cause of one's own is one entry:
//
//	rules, err := cdimage.Compile(append(cdimage.LivefsRules(), cdimage.Rule{
//		Class:   "snap-store",
//		Pattern: `^error: cannot reach the snap store`,
//		Remedy:  cdimage.Remedy{Text: "wait for the snap store, then {again}", Actions: []cdimage.Action{cdimage.Wait}},
//	}), nil)
type Rule struct {
	// Class is one of this package or one of your own. Classes rank in the order in
	// which the table first names them, the strongest first: of two causes in
	// one step of a log the one of the stronger class is named first.
	Class Class

	// Pattern is RE2, tried on one line without its end. The group (?P<package>)
	// names the package concerned, (?P<item>) what was to be fetched.
	Pattern string

	// Literals are texts of which at least one has to stand in a line: Pattern is
	// tried on no other. Logs are searched for them before anything else, so
	// they decide the speed: ten bytes or more are good, below four bytes
	// every line of the log has to be looked at. Empty: the longest text that
	// Pattern cannot do without is taken.
	Literals []string

	// Remedy is what to do. Zero: what is done about any cause of the class,
	// which a class of your own does not have.
	Remedy Remedy

	// Rank chooses the deciding line among lines of one class: the highest
	// rank, then the first line. Summaries of what stands above rank below 0.
	Rank int

	// NeedsIndex says that the line is about a name that apt does not know: where
	// an index file never arrived, that is the cause.
	NeedsIndex bool

	// Weak rules count only when nothing else was found in the step.
	Weak bool

	// Scope is what a match in a cd-build-log takes down; see [Cause]. Empty:
	// "publish".
	Scope string

	// Stage confines a rule for cd-build-logs to one stage, named by the
	// beginning of its marker.
	Stage string

	// Exception confines a rule for cd-build-logs to the last line of the
	// traceback that ended the run, and to the server's answer below it.
	Exception bool

	// Warning says that the run goes on and the image is published nevertheless:
	// a match in a cd-build-log counts whatever became of the run, and does not
	// keep its outcome from being complete. Without it a match counts when the run died
	// in that stage, or published less than it was to.
	Warning bool
}

// Rules are compiled: ready to read any number of logs, from any number of
// goroutines. See [Compile]. A nil *Rules has the rules of this package.
type Rules struct{ livefs, build *table }

// A table is the compiled rules for one kind of log.
type table struct {
	rules    []compiled
	classes  []Class // strongest first
	order    []int   // of trying them: within a class the strong ones first, then by rank
	literals *grams  // those of the rules, and the marks of the kind of log
	rulesOf  [][]int // the rules that a literal is of
	noise    *regexp.Regexp
}

type compiled struct {
	Rule
	re        *regexp.Regexp
	pkg, item int  // subexpressions, -1 when absent
	own       bool // the class is an importer's
}

// Compile prepares rules for livefs logs and for cd-build-logs; nil stands for
// [LivefsRules] and for [BuildRules]. The error is ErrRule and names the first rule
// that is not complete: a pattern that is no regular expression, no class, or a class
// of one's own without a remedy.
func Compile(livefs, build []Rule) (*Rules, error) {
	rs := *defaultRules()
	for _, t := range []struct {
		to    **table
		rules []Rule
		kind  logKind
	}{{&rs.livefs, livefs, livefsKind()}, {&rs.build, build, buildKind()}} {
		if t.rules == nil {
			continue
		}
		made, err := newTable(t.rules, t.kind)
		if err != nil {
			return nil, err
		}
		*t.to = made
	}
	return &rs, nil
}

// A logKind is what the tables of the two kinds of log differ in.
type logKind struct {
	name     string
	marks    []string // of the log's structure
	remedies map[Class]Remedy
	scope    string // of a rule that has none
}

func livefsKind() logKind { return logKind{"livefs", livefsMarks, livefsRemedies(), ""} }
func buildKind() logKind  { return logKind{"build", buildMarks, buildRemedies(), "publish"} }

func newTable(rules []Rule, kind logKind) (*table, error) {
	t := &table{noise: regexp.MustCompile(noise)}
	wanted := slices.Clone(kind.marks)
	for i, r := range rules {
		r.Scope = cmp.Or(r.Scope, kind.scope)
		c, err := newCompiled(r, kind.remedies)
		if err != nil {
			err.What = fmt.Sprintf("%s rule %d (%s)", kind.name, i, r.Class)
			return nil, err
		}
		t.rules = append(t.rules, c)
		t.order = append(t.order, i)
		wanted = append(wanted, c.Literals...)
		if r.Class != Unknown && !slices.Contains(t.classes, r.Class) {
			t.classes = append(t.classes, r.Class)
		}
	}
	t.classes = append(t.classes, Unknown)
	t.literals = newGrams(wanted)
	t.rulesOf = make([][]int, len(t.literals.literals))
	for id, l := range t.literals.literals {
		for i := range t.rules {
			if slices.Contains(t.rules[i].Literals, string(l)) {
				t.rulesOf[id] = append(t.rulesOf[id], i)
			}
		}
	}
	slices.SortStableFunc(t.order, func(i, j int) int {
		x, y := &t.rules[i], &t.rules[j]
		if x.Weak != y.Weak {
			return cmp.Compare(btoi(x.Weak), btoi(y.Weak))
		}
		return cmp.Compare(y.Rank, x.Rank)
	})
	return t, nil
}

func newCompiled(r Rule, remedies map[Class]Remedy) (compiled, *Error) {
	bad := &Error{Op: "compile rules", Kind: ErrRule}
	if r.Class == "" {
		bad.Hint = "give it a class"
		return compiled{}, bad
	}
	if _, known := remedies[r.Class]; !known && (r.Remedy.Text == "" || len(r.Remedy.Actions) == 0) {
		bad.Hint = "it has a class of its own: say with Remedy what is to be done, in words and as actions"
		return compiled{}, bad
	}
	re, err := regexp.Compile(r.Pattern)
	if err != nil {
		bad.Err = err
		return compiled{}, bad
	}
	_, known := remedies[r.Class]
	c := compiled{Rule: r, own: !known, re: re, pkg: re.SubexpIndex("package"), item: re.SubexpIndex("item")}
	if len(c.Literals) == 0 {
		c.Literals = []string{obligatory(r.Pattern)}
	}
	return c, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// obligatory returns the longest text without which pattern cannot match.
func obligatory(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var best string
	var walk func(*syntax.Regexp)
	walk = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpLiteral:
			if s := string(re.Rune); re.Flags&syntax.FoldCase == 0 && len(s) > len(best) {
				best = s
			}
		case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
			for _, sub := range re.Sub {
				walk(sub)
			}
		}
	}
	walk(re)
	return best
}

var defaultRules = sync.OnceValue(func() *Rules {
	livefs, err := newTable(LivefsRules(), livefsKind())
	if err != nil {
		panic(err) // a table of this package
	}
	build, err := newTable(BuildRules(), buildKind())
	if err != nil {
		panic(err)
	}
	return &Rules{livefs, build}
})

// orDefault makes the rules of this package of none.
func (rs *Rules) orDefault() *Rules {
	if rs == nil {
		return defaultRules()
	}
	return rs
}

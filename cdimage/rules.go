package cdimage

import (
	"cmp"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"sync"

	"github.com/landingteam/landing/cdimage/cause"
)

// Rules are compiled: ready to read any number of logs, from any number of
// goroutines. See [Compile]. A nil or zero *Rules has the rules of this package.
type Rules struct{ livefs, build *table }

// A table is the compiled rules for one kind of log.
type table struct {
	given    []cause.Rule
	rules    []compiled
	classes  []cause.Class // strongest first
	order    []int         // of trying them: within a class the strong ones first, then by rank
	literals *grams        // those of the rules, and the marks of the kind of log
	rulesOf  [][]int       // the rules that a literal is of
}

type compiled struct {
	cause.Rule
	re        *regexp.Regexp
	begins    beginning
	parts     []*regexp.Regexp // of a pattern without groups: a line matches one of them
	pkg, item int              // subexpressions, -1 when absent
	own       bool             // the class is one of the program that uses this package
}

// Livefs returns the rules for livefs build logs. The caller owns the slice.
func (rs *Rules) Livefs() []cause.Rule { return slices.Clone(rs.orDefault().livefs.given) }

// Build returns the rules for cd-build-logs. They are tried on all lines outside the
// architectures' own lines and on the last line and the answer of a fatal traceback.
// The caller owns the slice.
func (rs *Rules) Build() []cause.Rule { return slices.Clone(rs.orDefault().build.given) }

// Compile prepares rules for livefs logs and for cd-build-logs; nil stands for those of
// this package. The error is ErrRule and names the first rule
// that is not complete: a pattern that is no regular expression, no class, or a class
// of one's own without a remedy.
func Compile(livefs, build []cause.Rule) (*Rules, error) {
	rs := *defaultRules()
	for _, t := range []struct {
		to    **table
		rules []cause.Rule
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
	remedies map[cause.Class]cause.Remedy
	scope    string // of a rule that has none
}

func livefsKind() logKind { return logKind{"livefs", livefsMarks, livefsRemedies(), ""} }
func buildKind() logKind  { return logKind{"build", buildMarks, buildRemedies(), "publish"} }

func newTable(rules []cause.Rule, kind logKind) (*table, error) {
	t := &table{given: slices.Clone(rules)}
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
		if r.Class != cause.Unknown && !slices.Contains(t.classes, r.Class) {
			t.classes = append(t.classes, r.Class)
		}
	}
	t.classes = append(t.classes, cause.Unknown)
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

func newCompiled(r cause.Rule, remedies map[cause.Class]cause.Remedy) (compiled, *Error) {
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
	c := compiled{Rule: r, own: !known, re: re, begins: beginnings(r.Pattern), pkg: re.SubexpIndex("package"), item: re.SubexpIndex("item")}
	if c.pkg < 0 && c.item < 0 {
		c.parts = parts(r.Pattern, re)
	}
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
	livefs, err := newTable(livefsRules(), livefsKind())
	if err != nil {
		panic(err) // a table of this package
	}
	build, err := newTable(buildRules(), buildKind())
	if err != nil {
		panic(err)
	}
	return &Rules{livefs, build}
})

// orDefault makes the rules of this package of none.
func (rs *Rules) orDefault() *Rules {
	if rs == nil || rs.livefs == nil {
		return defaultRules()
	}
	return rs
}

package cause

// A Rule says that a line which matches Pattern points at a cause of Class, and
// what to do about that cause. Rules are values: copy a table, change or append,
// and compile it. A cause of one's own is one entry:
//
//	var ours cdimage.Rules
//	rules, err := cdimage.Compile(append(ours.Livefs(), cause.Rule{
//		Class:   "snap-store",
//		Pattern: `^error: cannot reach the snap store`,
//		Remedy:  cause.Remedy{Text: "wait for the snap store, then {again}", Actions: []cause.Action{cause.Wait}},
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

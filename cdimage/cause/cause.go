// Package cause has the words for why an image is missing and what to do about it.
//
// A [Class] says what kind of fault it is: the network, a package, a full disk. A [Cause]
// is one such fault with the line of the log that says so. A [Remedy] is what to do about
// it, as a sentence and as [Action]s. A [Rule] finds the cause in a log, and brings class
// and remedy: package cdimage compiles a table of them, and to teach it a cause of your
// own is to add one.
//
//	situation                                                          error
//	a rule without class or pattern, or an own class without a remedy  cdimage.ErrRule, of cdimage.Compile
package cause

// A Class says what kind of fault stopped a build. The words are those that
// landing teams file faults under; they are stable and appear in the JSON form
// of a diagnosis. Rules of a program's own may have classes of their own.
type Class string

// The classes. Which one wins when several are seen in the same step of a log
// is said by the order of the rules: see [Rule].
const (
	DiskSpace      Class = "disk-space"      // the host or the builder is full
	Cancelled      Class = "cancelled"       // a person or Launchpad ended it
	Infrastructure Class = "infrastructure"  // Launchpad, one of its builders, or the image host
	Network        Class = "network"         // something was asked for and never arrived
	LivecdRootfs   Class = "livecd-rootfs"   // the image's build scripts
	Package        Class = "package"         // a package that cannot be unpacked or configured
	Dependency     Class = "dependency"      // packages that cannot be installed together
	Seed           Class = "seed"            // a name in the seed that no package has
	Chroot         Class = "chroot"          // the builder's chroot; the livefs build never began
	Upload         Class = "upload"          // built, but Launchpad could not take the files
	DependencyWait Class = "dependency-wait" // a state that livefs builds have no business in
	Configuration  Class = "configuration"   // the host's configuration lacks something
	Operator       Class = "operator"        // the command asked for something impossible
	Lock           Class = "lock"            // another run holds a lock
	Unknown        Class = "unknown"         // the log at hand does not say
)

// A Cause is one reason why an image is missing or incomplete, with the line
// that says so.
type Cause struct {
	// Scope is what the cause took down: the label of an architecture
	// ("ubuntu-touch-custom-i386"), "publish" for everything after the live
	// file systems, "host", "launchpad", "mirrors", "test observer" or "command".
	// Empty in a livefs log, which is about one architecture.
	Scope string `json:"scope,omitempty"`
	Class Class  `json:"class"`

	Line    string `json:"line,omitempty"`        // as it stands in the log; the middle of a very long one is left out
	Number  int    `json:"line_number,omitempty"` // counted from 1
	Package string `json:"package,omitempty"`     // the package concerned

	// Needs names the evidence that would say more: "livefs log".
	Needs string `json:"needs,omitempty"`

	// Severity is "warning" when the image is published nevertheless.
	Severity string `json:"severity,omitempty"`

	// Underlying is the class behind [Chroot], which by itself only says how
	// far the builder came.
	Underlying Class `json:"underlying,omitempty"`

	// Remedy is what the rule that found the cause says to do; zero: what is done
	// about any cause of the class.
	Remedy Remedy `json:"remedy,omitzero"`
}

// String says the cause in one line, without the line of the log.
func (c Cause) String() string {
	s := string(c.Class)
	if c.Scope != "" {
		s = c.Scope + ": " + s
	}
	if c.Underlying != "" {
		s += ", underlying " + string(c.Underlying)
	}
	if c.Package != "" {
		s += ", package " + c.Package
	}
	if c.Severity != "" {
		s += " (" + c.Severity + ")"
	}
	if c.Needs != "" {
		s += " (needs the " + c.Needs + ")"
	}
	return s
}

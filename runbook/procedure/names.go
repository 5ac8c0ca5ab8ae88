package procedure

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"

	"github.com/landingteam/landing/runbook"
)

// jobName names a job on the host after its run and step, in the alphabet and
// length that the host allows. What that leaves out is in a digest at the end.
func jobName(r *runbook.Run, parts ...string) string {
	name := r.ID() + "-" + strings.Join(parts, "-")
	sum := sha256.Sum256([]byte(name))
	safe := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_':
			return c
		}
		return '-'
	}, name)
	return fmt.Sprintf("%.80s-%x", strings.TrimLeft(safe, "-."), sum[:4])
}

// keyed makes a list what [runbook.Each] walks: every value under its key, which
// names its group.
func keyed[K comparable, V any](list []V, key func(V) K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for _, v := range list {
			if !yield(key(v), v) {
				return
			}
		}
	}
}

// counted counts what is gone through, of several: call what it returns for each. How
// many it are stands in the live line, and in the journal now and then.
func counted(r *runbook.Run, what string, total int) (one func()) {
	if total < 2 || r.Planning() {
		return func() {}
	}
	var done atomic.Int64
	r.Progress(what, 0, int64(total))
	return func() { r.Progress(what, done.Add(1), int64(total)) }
}

// self is the key of values that are their own.
func self[T any](v T) T { return v }

// names joins what a question lists.
func names(list []string) string { return strings.Join(list, ", ") }

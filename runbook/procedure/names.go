package procedure

import (
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"

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

// self is the key of values that are their own.
func self[T any](v T) T { return v }

// names joins what a question lists.
func names(list []string) string { return strings.Join(list, ", ") }

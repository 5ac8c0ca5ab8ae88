package cdimage

import (
	"slices"

	"github.com/landingteam/landing/cdimage/cause"
)

// strongest gives the cause of each class that has hits, the strongest class
// first: a full disk explains a broken package, and not the other way round.
func (t *table) strongest(hits []hit) (causes []cause.Cause) {
	for _, class := range t.classes {
		if of := slices.DeleteFunc(slices.Clone(hits), func(h hit) bool { return h.rule.Class != class }); len(of) > 0 {
			causes = append(causes, best(of))
		}
	}
	return causes
}

// best returns the cause that the deciding line among hits of one class gives:
// that of the highest rank, then the first.
func best(hits []hit) cause.Cause {
	b := slices.MaxFunc(hits, func(x, y hit) int {
		if x.rule.Rank != y.rule.Rank {
			return x.rule.Rank - y.rule.Rank
		}
		return y.number - x.number // the earlier line
	})
	c := b.cause()
	for _, h := range hits { // a file conflict is told one line below the package
		if c.Package == "" && h.pkg != "" {
			c.Package = h.pkg
		}
	}
	return c
}

package systemimage

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// among lists the names that there are instead of one that was asked for, and of many
// the nearest, nearest first.
func among(what string, names iter.Seq[string], asked string) string {
	list := slices.Sorted(names)
	if len(list) == 0 {
		return "there are no " + what
	}
	const most = 8
	if len(list) <= most {
		return what + ": " + strings.Join(list, ", ")
	}
	type distance struct{ part, whole int }
	far := make(map[string]distance, len(list))
	for _, name := range list {
		far[name] = distance{edits(asked, name, true), edits(asked, name, false)}
	}
	slices.SortStableFunc(list, func(a, b string) int {
		return cmp.Or(far[a].part-far[b].part, far[a].whole-far[b].whole)
	})
	return fmt.Sprintf("closest of %d %s: %s", len(list), what, strings.Join(list[:most], ", "))
}

// edits counts the letters to change, add or leave out that make one name of another,
// whatever their case; with part, that make a part of the other. Names are
// compared up to a length that no real one has.
func edits(asked, name string, part bool) int {
	const longest = 100
	a, b := strings.ToLower(asked[:min(len(asked), longest)]), strings.ToLower(name[:min(len(name), longest)])
	row := make([]int, len(b)+1) // edits from what was read of a to each beginning of b
	for j := range row {
		if !part {
			row[j] = j
		}
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	if part {
		return slices.Min(row)
	}
	return row[len(b)]
}

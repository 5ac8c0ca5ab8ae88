package channelconfig

import (
	"fmt"
	"strings"
)

// closest returns the word that somebody may have meant, or "".
func closest(word string, words []string) string {
	best, limit := "", min(2, len(word)/3) // of names with one or two letters none is close
	for _, w := range words {
		if d := distance(strings.ToLower(pyStrip(word)), strings.ToLower(w)); w != word && d <= limit {
			best, limit = w, d-1
		}
	}
	return best
}

// distance is how many letters must be changed, added or taken out, two
// neighbours swapped counting once.
func distance(a, b string) int {
	if len(a) > 200 || len(b) > 200 || len(a)-len(b) > 2 || len(b)-len(a) > 2 {
		return 1000
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
		for j := range rows[i] {
			switch {
			case i == 0:
				rows[i][j] = j
				continue
			case j == 0:
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// meant is the question behind a misspelt word.
func meant(word string) string {
	if word == "" {
		return ""
	}
	return fmt.Sprintf(": is %q meant?", word)
}

// Package linediff compares two texts line by line.
package linediff

// A Line stands in one of two texts, or in both.
type Line struct {
	Sign string // "-" only before, "+" only now, " " both
	Text string
}

// Lines are those of both texts, by their longest common subsequence. Time and memory
// grow with the product of their lengths, less what is equal at both ends.
func Lines(before, now []string) (list []Line) {
	a, b := before, now
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		list = append(list, Line{" ", a[0]})
		a, b = a[1:], b[1:]
	}
	end := len(a)
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	tail := before[len(before)-end+len(a):]
	common := make([][]int32, len(a)+1) // lines of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			list = append(list, Line{" ", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			list = append(list, Line{"-", a[i]})
			i++
		default:
			list = append(list, Line{"+", b[j]})
			j++
		}
	}
	for _, text := range tail {
		list = append(list, Line{" ", text})
	}
	return list
}

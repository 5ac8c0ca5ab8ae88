package web

import "strings"

// A diffLine is one line of a difference: '-' only before, '+' only now, ' ' both.
type diffLine struct {
	Sign string
	Text string
}

// maxDiff bounds the lines of either text that are compared.
const maxDiff = 2000

// diff compares two texts line by line.
func diff(before, now string) []diffLine {
	a, b := lines(before), lines(now)
	var head, tail []diffLine
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, diffLine{" ", a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, diffLine{" ", a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	list := append(head, middle(a, b)...)
	for i := len(tail) - 1; i >= 0; i-- {
		list = append(list, tail[i])
	}
	return list
}

// middle is the difference of texts by their longest common subsequence.
func middle(a, b []string) (list []diffLine) {
	common := make([][]uint16, len(a)+1) // of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]uint16, len(b)+1)
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
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			list = append(list, diffLine{" ", a[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			list = append(list, diffLine{"-", a[i]})
			i++
		default:
			list = append(list, diffLine{"+", b[j]})
			j++
		}
	}
	for ; i < len(a); i++ {
		list = append(list, diffLine{"-", a[i]})
	}
	for ; j < len(b); j++ {
		list = append(list, diffLine{"+", b[j]})
	}
	return list
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, "\n")
	if len(list) > maxDiff {
		list = append(list[:maxDiff:maxDiff], "… the rest stands in the records of the run")
	}
	return list
}

package procedure

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// doubtsOfTag says what speaks against giving a tag to the next image of a device; ""
// is nothing. Tags are for people, and the server takes any: a person decides.
func doubtsOfTag(x *systemimage.Index, tag string) string {
	for _, m := range slices.Backward(x.Fulls()) {
		have := m.Detail().Tag()
		switch order, ok := compareTags(tag, have); {
		case have == tag:
			return fmt.Sprintf("image %d there has the tag %s already: two images of one name", m.Version, tag)
		case ok && order < 0:
			return fmt.Sprintf("the tag %s is lower than %s, which image %d there has", tag, have, m.Version)
		}
	}
	return ""
}

var tagNumber = regexp.MustCompile(`[0-9]+`)

// compareTags compares tags that differ in their numbers only, such as OTA-9 and
// OTA-10.1; ok is false for others, which have no order.
func compareTags(a, b string) (order int, ok bool) {
	name := func(tag string) string {
		return strings.ToLower(strings.TrimRight(tagNumber.ReplaceAllString(strings.ReplaceAll(tag, ".", ""), ""), "-_/ "))
	}
	x, y := tagNumber.FindAllString(a, -1), tagNumber.FindAllString(b, -1)
	if name(a) != name(b) || len(x) == 0 || len(y) == 0 {
		return 0, false
	}
	return slices.CompareFunc(x, y, func(a, b string) int {
		m, _ := strconv.ParseUint(a, 10, 64)
		n, _ := strconv.ParseUint(b, 10, 64)
		return cmp.Compare(m, n)
	}), true
}

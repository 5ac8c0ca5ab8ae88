package channelconfig

import (
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// listRule looks for names that were meant to be several, or none. What says which
// list, and which names exist.
func listRule[T any](what func(n *lint, at T) (section, key string, known func(string) bool)) rule[T] {
	return rule[T]{class: "list", severity: systemimage.Harmful,
		why: "only comma and blank separate names: \"a,b\" is one name, and a comma at the end of a line or of the list belongs to the name",
		look: func(n *lint, at T) []mistake {
			section, key, known := what(n, at)
			v, ok := n.Get(section, key)
			if !ok {
				return nil
			}
			odd, better := oddNames(v.Names(), known)
			m := mistake{section: section, key: key, problem: fmt.Sprintf("%s has %s", key, odd), fix: []Edit{Set(section, key, strings.Join(better, ", "))}}
			if slices.Equal(better, v.Names()) {
				m.fix = nil
			}
			if len(better) == 0 {
				m.fix = []Edit{Remove(section, key)}
			}
			return only(odd != "", m)
		}}
}

// oddNames says what is odd about a list, "" for nothing, and how it was meant.
func oddNames(names []string, known func(string) bool) (odd string, better []string) {
	for i, name := range names {
		switch {
		case name == "":
			odd = "an empty name"
		case slices.Contains(names[:i], name):
			odd = fmt.Sprintf("%q a second time", name)
		case known(name) || !strings.ContainsAny(name, ",\n\t"):
			better = append(better, name)
		default:
			odd = fmt.Sprintf("the name %q", name)
			parts := splitNames(name, known)
			if slices.ContainsFunc(parts, func(p string) bool { return !known(p) }) && strings.Contains(strings.Trim(name, ","), ",") && !strings.ContainsAny(name, "\n\t") {
				parts = []string{name} // perhaps one name after all, whose key is misspelt
			}
			for _, part := range parts {
				if !slices.Contains(better, part) {
					better = append(better, part)
				}
			}
		}
	}
	return odd, better
}

// splitNames takes a name apart at every comma and white space. Two neighbours
// that are known as one name, such as "device,mako", stay together.
func splitNames(name string, known func(string) bool) (list []string) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == ',' || pySpace(r) })
	for i := 0; i < len(parts); i++ {
		if i+1 < len(parts) && known(parts[i]+","+parts[i+1]) {
			list = append(list, parts[i]+","+parts[i+1])
			i++
			continue
		}
		list = append(list, parts[i])
	}
	return list
}

// numberRule looks at values that must be integers: pairs of section and key.
func numberRule[T any](which func(n *lint, at T) [][2]string) rule[T] {
	return rule[T]{class: "not-a-number", severity: systemimage.Harmful, why: programsDie, look: func(n *lint, at T) (list []mistake) {
		for _, w := range which(n, at) {
			section, key := w[0], w[1]
			v, there := n.Get(section, key)
			if _, ok := n.number(section, key); ok || !there {
				continue
			}
			m := mistake{section: section, key: key, problem: fmt.Sprintf("%s = %s is not an integer", key, v)}
			digits := v.Text[:len(v.Text)-len(strings.TrimLeft(v.Text, "0123456789"))]
			if rest := v.Text[len(digits):]; digits != "" && v.List == nil && strings.Trim(rest, ".0") == "" {
				m.fix = []Edit{Set(section, key, digits)} // 3.0
			}
			list = append(list, m)
		}
		return list
	}}
}

// number is a value that is an integer.
func (n *lint) number(section, key string) (int, bool) {
	v, ok := n.Get(section, key)
	if !ok || v.List != nil {
		return 0, false
	}
	return pyInt(v.Text)
}

package runbook

import (
	"fmt"
	"slices"
	"strings"
)

// least is how many steps, or causes, that say the same are said once.
const least = 3

// Cause is Error with each cause that many steps share said once: "a/copy, b/copy,
// c/copy and 9 more: no route to host".
func (s Status) Cause() string { return foldCauses(s.Error) }

func foldCauses(text string) string {
	of := map[string][]string{} // a cause, and the steps that have it
	lines := strings.Split(text, "\n")
	for _, line := range lines {
		step, cause, _ := strings.Cut(line, ": ")
		of[cause] = append(of[cause], step)
	}
	var b strings.Builder
	for _, line := range lines {
		switch _, cause, ok := strings.Cut(line, ": "); {
		case !ok || len(of[cause]) > 0 && len(of[cause]) < least:
			b.WriteString(line + "\n")
		case len(of[cause]) > 0:
			b.WriteString(some(of[cause], least) + ": " + cause + "\n")
			of[cause] = nil
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// some are the first few of many names.
func some(names []string, few int) string {
	if len(names) <= few+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}

// foldSteps replaces steps that went the same way in several groups, such as a copy of
// each pair, by the last of them, which then says how many there were and where.
func foldSteps(steps []StepStatus) []StepStatus {
	type key struct {
		name, err string
		verb      Verb
		kind      Kind
	}
	of := func(s StepStatus) (k key, group string, ok bool) {
		i := strings.LastIndex(s.Step, "/")
		switch s.Verb {
		case VerbDo, VerbRead, VerbWait, VerbRequire, VerbVerify:
		default: // a person's words, and what was held, are each their own
			return k, "", false
		}
		if i < 0 || s.By != "" {
			return k, "", false
		}
		return key{s.Step[i+1:], s.Error, s.Verb, s.Kind}, s.Step[:i], true
	}
	groups := map[key][]string{}
	for _, s := range steps {
		if k, group, ok := of(s); ok {
			groups[k] = append(groups[k], group)
		}
	}
	var folded []StepStatus
	for _, s := range slices.Backward(steps) {
		k, _, ok := of(s)
		all, many := groups[k]
		switch {
		case !ok || many && len(all) > 0 && len(all) < least:
			folded = append(folded, s)
		case len(all) > 0:
			first := ""
			if s.Intent != "" {
				first = ", the last: " + s.Intent
			}
			s.Intent = fmt.Sprintf("%d times, for %s%s", len(all), some(shortest(all), 2), first)
			s.Step, s.Result, s.Began, s.Tries = k.name, nil, s.Time, 0
			folded = append(folded, s)
			groups[k] = nil
		}
	}
	slices.Reverse(folded)
	return folded
}

// shortest are groups without the beginning that all have, up to a "/".
func shortest(groups []string) []string {
	prefix := groups[0]
	for _, g := range groups[1:] {
		for !strings.HasPrefix(g, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	prefix = prefix[:strings.LastIndex(prefix, "/")+1]
	var short []string
	for _, g := range groups {
		short = append(short, strings.TrimPrefix(g, prefix))
	}
	return short
}

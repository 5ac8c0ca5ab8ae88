package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/landingteam/landing/runbook/procedure"
)

// Pairs reads CHANNEL[:DEVICE] arguments: what is copied from a channel with the
// path element from to that with to. None means all that there are.
func Pairs(args []string, from, to string) ([]procedure.Pair, error) {
	var pairs []procedure.Pair
	for _, arg := range args {
		p, err := procedure.ParsePair(arg, from, to)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// Targets reads CHANNEL:DEVICE:VERSION arguments.
func Targets(args []string) ([]procedure.NamedImage, error) {
	if len(args) == 0 {
		return nil, errors.New("which images? CHANNEL:DEVICE:VERSION, such as ubuntu-touch/stable/meizu.en:arale:7")
	}
	var targets []procedure.NamedImage
	for _, arg := range args {
		parts := strings.Split(arg, ":")
		if len(parts) != 3 || parts[0] == "" || parts[1] == "" {
			return nil, fmt.Errorf("%q is no CHANNEL:DEVICE:VERSION", arg)
		}
		version, err := strconv.Atoi(parts[2])
		if err != nil || version < 1 {
			return nil, fmt.Errorf("%q: %q is no version", arg, parts[2])
		}
		t := procedure.NamedImage{Channel: parts[0], Device: parts[1], Version: version}
		if slices.ContainsFunc(targets, func(o procedure.NamedImage) bool { return o.String() == t.String() }) {
			return nil, fmt.Errorf("%s is named twice", t)
		}
		targets = append(targets, t)
	}
	return targets, nil
}

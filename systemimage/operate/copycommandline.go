package operate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/landingteam/landing/systemimage"
)

// copyForm is the command line that a server's copy-image understands.
type copyForm int

const (
	formUnknown    copyForm = iota
	formOption              // copy-image -r N ... SOURCE DESTINATION DEVICE (since 2017)
	formPositional          // copy-image ... SOURCE DESTINATION DEVICE N (until 2016)
)

// copyForm asks copy-image for its help, once per Server.
func (s *Server) copyForm(ctx context.Context, op string) (copyForm, error) {
	h := s.learned()
	h.mu.Lock()
	form := h.form
	h.mu.Unlock()
	if form != formUnknown {
		return form, nil
	}
	ask := s.command("", "copy-image", "--help")
	ask.Reads = true
	out, err := s.Runner.Run(ctx, ask)
	if err == nil && out.Exit == killed { // which says nothing about the program
		out, err = s.Runner.Run(ctx, ask)
	}
	e := ending{program: "copy-image --help", Output: out}
	if err == nil && out.Exit == killed {
		err = errors.New(e.String())
	}
	if err != nil {
		return form, &systemimage.Error{Op: op, Place: s.root() + "/bin/copy-image", Err: fmt.Errorf("asking for its help: %w", err)}
	}
	form = readCopyHelp(string(out.Stdout))
	if form == formUnknown {
		return form, &systemimage.Error{Op: op, Place: s.root() + "/bin/copy-image", Kind: systemimage.ErrBroken,
			Err: fmt.Errorf("is not the program that was expected: %v, and shows neither [-r VERSION] nor DEVICE VERSION", e)}
	}
	h.mu.Lock()
	h.form = form
	h.mu.Unlock()
	return form, nil
}

func readCopyHelp(help string) copyForm {
	usage, _, _ := strings.Cut(help, "\n\n")
	words := strings.Fields(usage)
	switch {
	case len(words) == 0 || words[0] != "usage:":
		return formUnknown
	case strings.Contains(strings.Join(words, " "), "[-r VERSION]"):
		return formOption
	case words[len(words)-1] == "VERSION":
		return formPositional
	}
	return formUnknown
}

// args is the command line of copy-image. -k and -q are never used: the one
// publishes numbers that break the index, the other fails after publishing.
func (r CopyRequest) args(form copyForm) []string {
	var args []string
	if form == formOption {
		args = append(args, "-r", strconv.Itoa(r.Version))
	}
	args = append(args, "-p", strconv.Itoa(r.Percentage))
	if r.Tag != "" {
		args = append(args, "-t", r.Tag)
	}
	args = append(args, "-vvv", r.From, r.To, r.Device)
	if form == formPositional {
		args = append(args, strconv.Itoa(r.Version))
	}
	return args
}

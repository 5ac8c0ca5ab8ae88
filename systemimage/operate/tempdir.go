package operate

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
)

// TempDir is the folder for temporary files that the crontab gives the importer,
// or empty. The server's programs unpack whole root file systems there, which the
// disk of /tmp may have no room for: run by hand they get the same folder. The crontab
// is read once per Server; one that cannot be read names none.
func (s *Server) TempDir(ctx context.Context) string {
	h := s.learned()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.temp == nil {
		text, err := command.Crontab{Runner: s.Runner}.Read(ctx)
		if err != nil {
			s.log().InfoContext(ctx, "the crontab is not read for TMPDIR", "why", err)
			return ""
		}
		dir := parseCrontab(text, "import-images").tempDir(s.root())
		h.temp = &dir
	}
	return *h.temp
}

// withTempDir gives the command of a program its folder for temporary files.
func (s *Server) withTempDir(ctx context.Context, c command.Command) command.Command {
	if dir := s.TempDir(ctx); dir != "" {
		at := slices.IndexFunc(c.Argv, func(a string) bool { return strings.HasPrefix(a, s.root()+"/bin/") })
		c.Argv = slices.Insert(slices.Clone(c.Argv), at, "TMPDIR="+dir)
	}
	return c
}

// tempDir is the TMPDIR of the line that runs the importer: the last that names
// root, or else the last. A setting in the line itself counts more than those above
// it. What only a shell could know, such as $HOME/tmp, is left out.
func (c crontab) tempDir(root string) string {
	active, paused, byHand := c.importers()
	lines := slices.Concat(byHand, paused, active)
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	for _, n := range lines {
		if strings.Contains(string(c.lines[n]), root+"/") {
			line = n
		}
	}
	dir := ""
	for _, raw := range c.lines[:line] {
		if value, ok := cronSetting(string(raw), "TMPDIR"); ok {
			dir = value
		}
	}
	text := strings.TrimRight(string(c.lines[line]), "\r\n")
	if _, was, ok := parsePaused(text); ok {
		text = was
	}
	if own, ok := settingOf(text, c.program, "TMPDIR", 0); ok {
		dir = own
	}
	if !path.IsAbs(dir) || strings.ContainsAny(dir, "$`~*?\n\x00") {
		return ""
	}
	return path.Clean(dir)
}

// cronSetting is the value of a line such as NAME = "value" of a crontab.
func cronSetting(line, name string) (string, bool) {
	key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
	if !ok || unquote(strings.TrimSpace(key)) != name {
		return "", false
	}
	return unquote(strings.TrimSpace(value)), true
}

func unquote(s string) string {
	if n := len(s); n >= 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return s[1 : n-1]
	}
	return s
}

// settingOf is what a command line sets a variable to before it runs the program:
// NAME=value before it, behind env or export, also inside sh -c "...".
func settingOf(line, program, name string, depth int) (value string, ok bool) {
	for _, w := range shellWords(line) {
		if w.quoted && depth < 3 && commandRuns(w.text, program, depth+1) {
			if v, is := settingOf(w.text, program, name, depth+1); is {
				value, ok = v, true
			}
			break
		}
		if strings.HasSuffix(w.text, "/"+program) || w.text == program {
			break
		}
		if v, is := strings.CutPrefix(w.text, name+"="); is {
			value, ok = v, true
		}
	}
	return value, ok
}

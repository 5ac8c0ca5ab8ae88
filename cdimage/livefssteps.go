package cdimage

import (
	"bytes"
	"strings"
)

// runStep is the name of the program in a line "RUN: /path/program …" or "RUN:
// /path/in-target program …".
func runStep(line []byte) string {
	program, args, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("RUN: ")), []byte(" "))
	step := program[bytes.LastIndexByte(program, '/')+1:]
	if string(step) == "in-target" {
		step, _, _ = bytes.Cut(args, []byte(" "))
	}
	if n := bytes.IndexFunc(step, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && notDigit(r) }); n >= 0 {
		step = step[:n]
	}
	return string(step)
}

// liveBuildStep is the step in a line "[2016-09-06 02:13:54] lb_chroot_hooks ", nil
// when it is no such line. Later live-build writes "lb chroot_hooks".
func liveBuildStep(line []byte) []byte {
	const stamp = "[2016-09-06 02:13:54]"
	if len(line) < len(stamp)+len(" lb_x") || !isLiveBuild(line[len(stamp)-1:]) {
		return nil
	}
	for i, c := range []byte(stamp) {
		if digit := !notDigit(rune(c)); digit != !notDigit(rune(line[i])) || !digit && line[i] != c {
			return nil
		}
	}
	return line[len(stamp)+1:]
}

// isLiveBuild reports whether behind the stamp live-build names a part.
func isLiveBuild(rest []byte) bool {
	return bytes.HasPrefix(rest, []byte("] lb_")) || bytes.HasPrefix(rest, []byte("] lb "))
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// After these programs the work is over and only cleaning remains.
func cleaning(step string) bool {
	switch step {
	case "scan-for-processes", "umount-chroot", "remove-build", "gather-results", "cleanup":
		return true
	}
	return false
}

// structure handles the lines that say where in the build we are.
func (p *livefsParser) structure(line []byte, number int) bool {
	if len(line) == 0 || !p.aborted && strings.IndexByte("R[PTW", line[0]) < 0 {
		return false
	}
	switch {
	case bytes.HasPrefix(line, []byte("RUN: /")):
		if step := runStep(line); step != "" {
			p.enterRun(step, line, number)
		}
	case bytes.HasPrefix(line, []byte("[")) && bytes.Contains(line, []byte("] lb")):
		step := liveBuildStep(line)
		if step == nil {
			return false
		}
		p.begin()
		p.lb = strings.TrimSpace("lb_" + quote(step[len("lb_"):]))
		p.addStep(p.lb, number)
	case bytes.HasPrefix(line, []byte("P: Begin unmounting filesystems")):
		p.unmounted = number
		p.end = p.lastWords(number)
	case bytes.HasPrefix(line, []byte("Traceback (most recent")):
		p.tb, p.tbAbove, p.frames = number, p.lastWords(number), true
	case bytes.HasPrefix(line, []byte("Waiting 15 seconds and trying again")):
		p.hits = p.hits[:0]
	case p.aborted && bytes.Contains(line, []byte("CalledProcessError: ")):
		p.killed = said{quote(line), number}
	default:
		return false
	}
	return true
}

// frame takes a line inside a traceback, of which the last line decides and not the
// source code that is quoted. Hooks die in Python too: the frames tell whose
// traceback it is.
func (p *livefsParser) frame(line []byte) {
	if p.reached && bytes.HasPrefix(line, []byte("  File \"")) && buildFrame.Match(line) {
		p.traceback, p.aborted = true, p.scanned
		p.freezeAt(p.tb, p.tbAbove)
	}
}

func (p *livefsParser) addStep(name string, number int) {
	const limit = 1000 // a log has about fifty
	if len(p.log.Steps) < limit {
		p.log.Steps = append(p.log.Steps, Stage{Name: name, Line: number})
	}
}

func (p *livefsParser) enterRun(step string, line []byte, number int) {
	if _, rest, ok := bytes.Cut(line, []byte("LIVEFSBUILD-")); ok {
		if n := bytes.IndexFunc(rest, notDigit); n > 0 {
			rest = rest[:n]
		}
		if len(rest) > 0 && !notDigit(rune(rest[0])) && string(rest) != p.log.Build {
			p.log.Build = string(rest)
		}
	}
	var options [][][]byte
	if step == "buildlivefs" && p.log.Project == "" {
		options = optProject.FindAllSubmatch(line[:min(len(line), 4096)], 16)
	}
	for _, m := range options {
		v := string(m[2])
		switch string(m[1]) {
		case "project":
			p.log.Project = v
		case "series":
			p.log.Series = v
		case "arch":
			p.log.Arch = v
		}
	}
	p.addStep(step, number)
	p.run = step
	if cleaning(step) {
		p.freeze(number)
		p.scanned = p.scanned || step == "scan-for-processes"
		p.removed = p.removed || step == "remove-build"
		return
	}
	p.begin()
	p.work, p.lb = step, ""
	p.reached = p.reached || step == "buildlivefs"
}

// begin starts a step or a part of one: what went before it went well, except
// that an index file which apt could not fetch is missed later.
func (p *livefsParser) begin() {
	for _, h := range p.hits {
		if h.item != "" && strings.HasPrefix(h.line, "W") && len(p.carried) < 32 {
			p.carried = append(p.carried, h)
		}
	}
	p.hits, p.frozen, p.traceback, p.unmounted, p.follow = p.hits[:0], 0, false, 0, false
}

// freeze ends the failing step: what is said from here on is not its cause.
func (p *livefsParser) freeze(number int) {
	if p.frozen == 0 {
		p.freezeAt(number, p.lastWords(number))
	}
}

func (p *livefsParser) freezeAt(number int, above said) {
	if p.frozen > 0 {
		return
	}
	p.frozen = number
	if p.unmounted == 0 || !tidying.MatchString(above.line) {
		p.end = above
	}
}

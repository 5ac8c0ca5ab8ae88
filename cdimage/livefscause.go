package cdimage

import (
	"bytes"
	"slices"
	"strings"
)

// decide names the failing step and its causes, strongest first.
func (p *livefsParser) decide() {
	l := p.log
	died := p.died()
	p.s.at = len(p.s.buf)
	last, up := p.s.before()
	lost := Cause{Class: Infrastructure, Line: quote(last), Number: min(l.Lines, l.Lines+1-up)}
	switch {
	case p.frozen == 0 && !died: // whole lines, but the builder never came to clean up
		l.Failing = p.where()
		l.Causes = append(l.Causes, lost)
		return
	case p.reached && !died:
		if len(p.after) > 0 {
			lost = best(p.after)
		} else if p.removed {
			return // a good build
		}
		l.Failing = p.run
		l.Causes = append(l.Causes, lost)
		return
	}
	l.Failing = p.where()
	causes := p.causes()
	if p.aborted {
		said := p.killed
		if said.line == "" {
			said = p.end // the log is cut before it says so
		}
		causes = []Cause{{Class: Cancelled, Line: said.line, Number: said.number}}
	}
	if len(causes) == 0 {
		causes = []Cause{{Class: Unknown, Line: p.end.line, Number: p.end.number}}
	}
	if !p.reached {
		causes = []Cause{p.chroot(causes[0])}
	}
	if len(causes) > 2 {
		causes = causes[:2]
	}
	l.Causes = causes
}

func (p *livefsParser) where() string {
	if p.lb != "" {
		return p.work + ": " + p.lb
	}
	return p.work
}

// chroot wraps the cause of a failure before buildlivefs, as Launchpad does:
// its state is "Chroot problem" whatever went wrong.
func (p *livefsParser) chroot(why Cause) Cause {
	c := why
	c.Class, c.Underlying = Chroot, why.Class
	if why.Class == Unknown {
		c.Underlying = ""
	}
	for _, h := range p.hits { // the last error of apt sums the step up
		if h.rule.Class == why.Class && (strings.HasPrefix(h.line, "E: ") || strings.HasPrefix(h.line, "Error: ")) {
			c.Line, c.Number = h.line, h.number
		}
	}
	return c
}

// causes weighs what was found in the failing step.
func (p *livefsParser) causes() []Cause {
	byClass := map[Class][]hit{}
	weak := map[Class][]hit{}
	end := p.frozen
	if p.unmounted > 0 {
		end = p.unmounted
	}
	asked := false // apt was asked for a name it does not know
	for _, h := range p.hits {
		switch {
		case h.rule.Weak:
			weak[h.rule.Class] = append(weak[h.rule.Class], h)
		case h.rule.Class == Network && h.item == "" && end-h.number > nearEnd:
			weak[Network] = append(weak[Network], h)
		default:
			byClass[h.rule.Class] = append(byClass[h.rule.Class], h)
		}
		asked = asked || strings.Contains(h.line, "Unable to locate package") ||
			strings.Contains(h.line, "has no installation candidate") || strings.Contains(h.line, "Couldn't find task")
	}
	if asked && len(byClass[Network]) == 0 && len(p.carried) > 0 {
		// The index that has the name never arrived.
		return []Cause{best(p.carried)}
	}
	if len(byClass[DiskSpace]) > 0 {
		return []Cause{best(byClass[DiskSpace])}
	}
	var causes []Cause
	for _, class := range classes {
		if hits := byClass[class]; len(hits) > 0 {
			causes = append(causes, best(hits))
		}
	}
	if len(causes) == 0 && p.reached && len(p.after) > 0 {
		return []Cause{best(p.after)}
	}
	if len(causes) == 0 {
		for _, class := range classes {
			if hits := weak[class]; len(hits) > 0 {
				causes = append(causes, best(hits))
			}
		}
		return causes
	}
	if causes[0].Class == Network && asked {
		causes = causes[:1] // the unknown name follows from the missing index
	}
	if len(causes) > 1 && causes[0].Class == Network && causes[1].Class == Package && causes[1].Number > causes[0].Number && !strings.HasPrefix(causes[0].Line, "E") {
		causes[0], causes[1] = causes[1], causes[0] // apt went on to unpack: it did without
	}
	if p.reached && len(p.after) > 0 && causes[0].Class != Infrastructure {
		causes = append(causes[:1], best(p.after))
	}
	return causes
}

// best returns the cause that the deciding line among hits of one class gives.
func best(hits []hit) Cause {
	b := slices.MaxFunc(hits, func(x, y hit) int {
		if x.rule.Rank != y.rule.Rank {
			return x.rule.Rank - y.rule.Rank
		}
		return y.number - x.number // the earlier line
	})
	c := b.cause()
	for _, h := range hits { // a file conflict is told one line below the package
		if c.Package == "" && h.pkg != "" {
			c.Package = h.pkg
		}
	}
	return c
}

// missing reports whether an item was asked for and has not arrived yet.
func (p *livefsParser) missing() bool {
	for _, h := range p.hits {
		if h.item != "" {
			return true
		}
	}
	return len(p.carried) > 0
}

// arrived forgives the network what came in the end.
func (p *livefsParser) arrived(key string) {
	same := func(h hit) bool { return h.item != "" && h.item == key }
	p.hits = slices.DeleteFunc(p.hits, same)
	p.carried = slices.DeleteFunc(p.carried, same)
}

// errItem returns the key of the item in apt's "Err" line, which stands above
// the reason.
func errItem(line []byte) string {
	if !bytes.HasPrefix(line, []byte("Err")) {
		return ""
	}
	return itemKey(line)
}

// itemKey brings the forms in which apt names what it fetches to one:
//
//	Get:1202 http://host/ubuntu/ vivid/main unity8 armhf 8.12-1 [12 kB]
//	Get:1202 http://host/ubuntu stonking/main arm64 unity8 arm64 8.12-1 [12 kB]
//	Err http://host vivid/universe armhf Packages
//	http://host/ubuntu/pool/main/u/unity8/unity8_8.12-1_armhf.deb
//
// Files become "name arch version", indexes "suite/component arch Packages".
func itemKey(b []byte) string {
	s := strings.TrimSpace(string(b[:min(len(b), 1000)]))
	if i := strings.LastIndex(s, " ["); i > 0 && strings.HasSuffix(s, "]") {
		s = s[:i]
	}
	f := strings.Fields(s)
	if len(f) > 0 && (f[0] == "Err" || strings.HasPrefix(f[0], "Err:") || strings.HasPrefix(f[0], "Get:") || strings.HasPrefix(f[0], "Hit")) {
		f = f[1:]
	}
	if n := len(f); n >= 5 { // address suite/component [arch] name arch version
		return f[n-3] + " " + f[n-2] + " " + noEpoch(f[n-1])
	}
	if len(f) >= 2 { // address suite… name
		return strings.Join(f[1:], " ")
	}
	if len(f) == 0 {
		return ""
	}
	return urlKey(f[0])
}

func noEpoch(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		return rest
	}
	return version
}

func urlKey(u string) string {
	u = strings.NewReplacer("%3a", ":", "%3A", ":", "%2b", "+", "%2B", "+", "%7e", "~", "%7E", "~").Replace(u)
	if strings.Contains(u, "/lists/partial/") { // slashes are underscores there
		u = strings.ReplaceAll(u, "_", "/")
	}
	if _, rest, ok := strings.Cut(u, "/dists/"); ok {
		if index, _, byHash := strings.Cut(rest, "/by-hash/"); byHash && strings.Contains(index, "/binary-") {
			rest = index + "/Packages"
		}
		parts := strings.Split(rest, "/")
		last := parts[len(parts)-1]
		for _, packed := range []string{".xz", ".gz", ".bz2"} {
			last = strings.TrimSuffix(last, packed)
		}
		if arch, ok := strings.CutPrefix(parts[max(0, len(parts)-2)], "binary-"); ok && len(parts) >= 4 {
			return strings.Join(parts[:len(parts)-2], "/") + " " + arch + " " + last
		}
		return strings.Join(parts[:len(parts)-1], "/") + " " + last
	}
	base := u[strings.LastIndexByte(u, '/')+1:]
	base = strings.TrimSuffix(base, ".deb")
	if p := strings.Split(base, "_"); len(p) == 3 {
		return p[0] + " " + p[2] + " " + noEpoch(p[1])
	}
	return base
}

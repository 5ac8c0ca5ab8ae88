package cdimage

import (
	"bytes"
	"strings"
	"unicode"
)

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
	if strings.Contains(s, "://") && strings.IndexFunc(s, unicode.IsSpace) < 0 { // the address alone
		return urlKey(s)
	}
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

// cutLast cuts a path in front of its last element.
func cutLast(path string) (folder, last string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

func urlKey(u string) string {
	if strings.Contains(u, "%") {
		u = strings.NewReplacer("%3a", ":", "%3A", ":", "%2b", "+", "%2B", "+", "%7e", "~", "%7E", "~").Replace(u)
	}
	if strings.Contains(u, "/lists/partial/") { // slashes are underscores there
		u = strings.ReplaceAll(u, "_", "/")
	}
	if _, rest, ok := strings.Cut(u, "/dists/"); ok {
		if index, _, byHash := strings.Cut(rest, "/by-hash/"); byHash && strings.Contains(index, "/binary-") {
			rest = index + "/Packages"
		}
		folder, index := cutLast(rest)
		for _, packed := range []string{".xz", ".gz", ".bz2"} {
			index = strings.TrimSuffix(index, packed)
		}
		component, last := cutLast(folder)
		if arch, ok := strings.CutPrefix(last, "binary-"); ok && strings.Contains(component, "/") {
			return component + " " + arch + " " + index
		}
		return folder + " " + index
	}
	base := u[strings.LastIndexByte(u, '/')+1:]
	base = strings.TrimSuffix(base, ".deb")
	if p := strings.Split(base, "_"); len(p) == 3 {
		return p[0] + " " + p[2] + " " + noEpoch(p[1])
	}
	return base
}

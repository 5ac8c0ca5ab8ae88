package systemimagetest

import (
	"archive/tar"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// payloadTime is the time of everything inside payloads: the same build has
// the same bytes, and so the same names in the pool, in every world.
var payloadTime = time.Date(2015, 5, 30, 15, 33, 0, 0, time.UTC)

// AddBuild lets the importer find a new build, or another answer at a URL.
func (s *Server) AddBuild(b Build) error {
	if b.URL == "" {
		return s.addCDImage(b)
	}
	answers := []struct{ url, fault, text string }{{b.URL, b.Fault, ""}, {b.Monitor, b.MonitorFault, b.Version + "\n"}}
	for _, a := range answers {
		if a.url == "" {
			continue
		}
		file, err := s.source(a.url)
		if err != nil {
			return err
		}
		data := []byte(a.text)
		if a.url == b.URL {
			if data, err = payload(b.URL, b.Version); err != nil {
				return err
			}
		}
		switch a.fault {
		case "html":
			data, a.fault = []byte("<html>\n<body>login please</body>\n</html>\n"), ""
		case "line":
			data, a.fault = []byte("<html>login please</html>\n"), ""
		}
		if err := writeFile(file, data); err != nil {
			return err
		}
		if err := os.Remove(file + faultExt); err != nil && !os.IsNotExist(err) {
			return err
		}
		if a.fault != "" {
			if err := writeFile(file+faultExt, []byte(a.fault)); err != nil {
				return err
			}
		}
	}
	return nil
}

// faultExt marks the file that says what a URL answers instead of its content.
const faultExt = ".fault"

// source is the file below the server's folder that a URL answers with.
func (s *Server) source(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("systemimagetest: %q is not a URL with a host", address)
	}
	return filepath.Join(s.root, "sources", u.Host, filepath.FromSlash(path.Clean("/"+u.Path))), nil
}

func (s *Server) addCDImage(b Build) error {
	if b.Version == "" || strings.Contains(b.Series+b.Version, "/") || !filepath.IsLocal(b.Version) {
		return fmt.Errorf("systemimagetest: %q, %q is no build of cdimage", b.Series, b.Version)
	}
	dir := filepath.Join(s.root, "cdimage", filepath.FromSlash(path.Clean("/"+b.Path)), b.Version)
	name := b.Series + "-preinstalled-touch-armhf.tar.gz"
	data, err := rootfs(b.Series, b.Version)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, name), data); err != nil {
		return err
	}
	mark := filepath.Join(dir, ".marked_good")
	if b.Good {
		err = writeFile(mark, nil)
	} else if err = os.Remove(mark); os.IsNotExist(err) {
		err = nil
	}
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "SHA256SUMS"), fmt.Appendf(nil, "%s *%s\n", hexSum(data), name))
}

// rootfs is the root file system of a build as cdimage publishes it.
func rootfs(series, version string) ([]byte, error) {
	return packGZ([]member{
		{name: "etc/hostname", mode: 0o644, data: []byte("ubuntu-phablet\n")},
		{name: "etc/mtab", mode: 0o644, data: []byte("rootfs / rootfs rw 0 0\n")},
		{name: "SWAP.swap", mode: 0o600},
		{name: "usr/share/doc/static.txt", mode: 0o644, data: []byte(strings.Repeat("always the same\n", 20))},
		{name: "usr/lib/build-id", mode: 0o644, data: []byte(series + " " + version + "\n")},
	}, payloadTime)
}

// payload is what a URL serves for a version.
func payload(address, version string) ([]byte, error) {
	if strings.HasSuffix(address, ".tar.gz") {
		return rootfs(path.Base(address), version)
	}
	return packXZ([]member{
		{name: "system/var/lib/static.txt", mode: 0o644, data: []byte("always the same\n")},
		{name: "system/var/lib/" + path.Base(address) + ".build", mode: 0o644, data: []byte(version + "\n")},
	}, payloadTime)
}

// repack makes the image of a root file system: everything moves below
// system/, and what every device needs is added.
func repack(members []member, product string, android bool) []member {
	var out []member
	for _, m := range members {
		if m.name == "SWAP.swap" || m.name == "etc/mtab" {
			continue
		}
		if m.kind == tar.TypeLink {
			m.link = "system/" + m.link
		}
		m.name = "system/" + m.name
		out = append(out, m)
	}
	dir := func(name string) {
		out = append(out, member{name: "system/" + name + "/", mode: 0o755, kind: tar.TypeDir})
	}
	link := func(name, to string, mode int64) {
		out = append(out, member{name: "system/" + name, mode: mode, kind: tar.TypeSymlink, link: to})
	}
	if android {
		dir("android")
		for _, name := range []string{"cache", "data", "factory", "firmware", "persist", "system", "odm"} {
			link(name, "/android/"+name, 0o755)
		}
		link("vendor", "/android/system/vendor", 0o755)
	}
	if product == "core" {
		dir("writable")
	} else {
		dir("userdata")
	}
	link("etc/mtab", "/proc/mounts", 0o444)
	dir("lib/modules")
	return out
}

package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"gopkg.in/ini.v1"

	"github.com/landingteam/landing/cdimage"
)

// A Site is a parsed site file: where the servers of one team are, and the
// team's usual answers to what the programs ask for. It holds no secrets, only
// the paths of files that do.
//
//	[site]
//	name = example
//
//	[image-server]
//	url     = https://system-image.example.net
//	keyring = archive-master.tar.xz
//	ssh     = cdimage@images.example.net:22
//	root    = /srv/system-image.ubuntu.com
//
//	[cdimage]
//	logs = http://people.example.net/cd-build-logs/
//	ssh  = cdimage@builder.example.net:22
//
//	[copyrc]
//	from = rc-proposed
//	to   = rc
//	tag  = OTA-13-rc
//
// A comment is a line of its own. A value may go on in lines that are indented.
// Paths are relative to the site file's folder; "~/" is the home folder.
type Site struct {
	Name         string
	Operator     string
	ImageServer  ImageServer
	ImageBuilder ImageBuilder
	Launchpad    Launchpad

	options map[string]map[string]string // other sections: one for each program
}

// A Host says how a host is reached over SSH, in any section that has one. The
// host's key is always checked.
type Host struct {
	SSH        string // USER@HOST[:PORT]
	Jump       string // USER@HOST[:PORT] of a host to go through
	KnownHosts string // file; empty: ~/.ssh/known_hosts
	HostKey    string // instead: the host's key, as in authorized_keys
	KeyFile    string // private key; empty: the agent's
	Root       string // the folder over there
}

// ImageServer is the section [image-server] of a [Site].
type ImageServer struct {
	Host       Host          // with the server's programs
	URL        string        // the published tree
	Keyring    string        // file with the archive-master keyring that the tree is verified against
	Unverified bool          // read the tree without verifying: only when no keyring is named
	Cache      string        // folder of what was read of the tree; empty: one in the user's cache folder
	NoCache    bool          // keep nothing: an older tree is then not noticed by the next program
	LockWait   time.Duration // how long a held global lock is waited for
}

// ImageBuilder is the section [cdimage] of a [Site].
type ImageBuilder struct {
	Host   Host             // that builds images; without SSH builds are looked at only
	Logs   string           // the mirrored log tree
	Images cdimage.ImageSet // what is built, unless flags say else
}

// Launchpad is the section [launchpad] of a [Site].
type Launchpad struct {
	Root        string // of the web service; empty: production's, version devel
	Credentials string // file as launchpadlib writes it; empty: the environment says, or anonymous
}

// programNames are those of all programs: each may have a section.
var programNames = []string{"answer", "backout", "channelconfig", "checktree", "copyrc", "doctor", "failedbuild", "failedimport",
	"hotfix", "imageinfo", "jobs", "login", "release", "republish", "respin", "rollout", "runs", "snapshot", "why"}

// LoadSite reads a site file. programs maps the section of each
// program that is read to the keys that it may have; the other programs' are
// passed over. needs are the sections that must be there.
func LoadSite(path string, programs map[string][]string, needs ...string) (*Site, error) {
	text, err := readSite(path)
	if err != nil {
		return nil, err
	}
	return parseSite(text, path, programs, needs...)
}

func parseSite(text []byte, path string, programs map[string][]string, needs ...string) (*Site, error) {
	lines, rest := scan(text)
	// No inline comments and no continuation of lines, so that what the file
	// shows is what it says.
	f, err := ini.LoadSources(ini.LoadOptions{
		IgnoreInlineComment: true, IgnoreContinuation: true, AllowShadows: false,
		PreserveSurroundedQuote: true, AllowPythonMultilineValues: true,
	}, rest)
	s := &Site{options: map[string]map[string]string{}}
	switch {
	case err != nil && len(lines.faults) == 0:
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	case err == nil:
		for _, sec := range f.Sections() {
			s.section(sec, filepath.Dir(path), programs, lines)
		}
		s.complete(needs, lines)
	}
	if len(lines.faults) > 0 {
		return nil, &siteError{path, lines.faults}
	}
	return s, nil
}

// complete looks for what is missing, and at keys that must go together. needs are
// the sections that must be there; "tree" is [image-server] without its host.
func (s *Site) complete(needs []string, lines *siteScan) {
	must := []string{"url", "ssh", "root"}
	for _, name := range needs {
		if name == "tree" {
			name, must = "image-server", must[:1] // nobody goes to the host
		}
		if _, ok := s.options[name]; !ok {
			lines.add(0, "section [%s] is missing", name)
		}
	}
	if v, ok := s.options["image-server"]; ok {
		for _, key := range must {
			if v[key] == "" {
				lines.add(lines.of("image-server", key), "section [image-server]: key %q is missing", key)
			}
		}
		_, misspelt := v["unverified"]
		if misspelt = misspelt && v["unverified"] != "yes" && v["unverified"] != "no"; (s.ImageServer.Keyring == "") != s.ImageServer.Unverified && !misspelt {
			lines.add(lines.of("image-server", "keyring"), "section [image-server]: name the archive-master keyring with %q, or write \"unverified = yes\" to read the tree without verifying it", "keyring")
		}
	}
	if _, ok := s.options["cdimage"]; ok {
		s.ImageBuilder.Logs = cmp.Or(s.ImageBuilder.Logs, cdimage.CurrentLogs)
		h := s.ImageBuilder.Host
		for _, k := range [][2]string{{"jump", h.Jump}, {"known_hosts", h.KnownHosts}, {"host_key", h.HostKey}, {"key_file", h.KeyFile}, {"root", h.Root}} {
			if h.SSH == "" && k[1] != "" {
				lines.add(lines.of("cdimage", k[0]), "section [cdimage]: key %q is about a host: name it with %q", k[0], "ssh")
			}
		}
	}
}

// why is what an error of the file system says without the name of the file.
func why(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// maxSite bounds a site file, in bytes: more is another file.
const maxSite = 1 << 20

// readSite reads a file that may be a site file.
func readSite(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, why(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSite+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", path, why(err))
	case len(text) > maxSite:
		return nil, fmt.Errorf("%s is no site file: it has more than %d bytes", path, maxSite)
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		return nil, fmt.Errorf("%s is no site file: it is not text in UTF-8", path)
	}
	return text, nil
}

// Option is the value of a key in a section of the site file; "" when absent.
func (s *Site) Option(section, key string) string { return s.options[section][key] }

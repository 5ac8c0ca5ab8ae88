package systemimagetest

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Snapshot is the server's content as txtar text, without what differs
// between two servers with the same content: times, sizes and checksums,
// keys, and the name of the folder. Two worlds are equal if their snapshots
// are. The parts are
//
//	channels           as in a World's text, but aliases and redirects in full
//	CHANNEL/DEVICE     one for each index: images in its order, with their files
//	problems           files that are missing or damaged, signatures that are
//	                   missing, empty or bad, and files that no index mentions
//	config, crontab    the texts
func (s *Server) Snapshot() (string, error) {
	p := s.process("snapshot", io.Discard, io.Discard)
	v := &view{process: p, devices: map[string]string{}, good: s.good}
	p.conf = noConfig(s.root)
	if err := p.guard(v.channelPart); err != nil {
		return "", fmt.Errorf("systemimagetest: snapshot: %w", err)
	}
	if err := v.signatures(); err != nil {
		return "", fmt.Errorf("systemimagetest: snapshot: %w", err)
	}
	var b strings.Builder
	b.WriteString("-- channels --\n" + v.channelText.String())
	for _, name := range slices.Sorted(maps.Keys(v.devices)) {
		fmt.Fprintf(&b, "-- %s --\n%s", name, v.devices[name])
	}
	slices.Sort(v.problems)
	b.WriteString("-- problems --\n")
	for _, line := range slices.Compact(v.problems) {
		b.WriteString(hideKeyring(line) + "\n")
	}
	for _, name := range []string{"etc/config", "crontab"} {
		text, err := readFile(filepath.Join(s.root, name))
		if os.IsNotExist(err) {
			text = []byte("(none)\n")
		} else if err != nil {
			return "", err
		}
		shown := strings.ReplaceAll(string(text), cronWord(s.root), rootMark)
		fmt.Fprintf(&b, "-- %s --\n%s", path.Base(name), strings.ReplaceAll(shown, s.root, rootMark))
		if len(text) > 0 && text[len(text)-1] != '\n' {
			b.WriteString("\n")
		}
	}
	return b.String(), nil
}

// A view is a snapshot in the making.
type view struct {
	*process
	channelText strings.Builder
	devices     map[string]string
	problems    []string
	good        *sync.Map
}

func (v *view) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (v *view) channelPart() error {
	channels, err := v.channels()
	if err != nil {
		// Damage is a state of the world like any other.
		v.problem("unreadable channels.json: %v", err)
		return nil
	}
	listed := map[string]bool{"channels.json": true}
	for _, name := range sortedKeys(channels) {
		c, _ := channels[name].(object)
		v.channelText.WriteString(name + words("alias", text(c, "alias")) + words("redirect", text(c, "redirect")) + flag("hidden", c["hidden"] == true) + "\n")
		devices := devicesOf(channels, name)
		for _, device := range sortedKeys(devices) {
			d, _ := devices[device].(object)
			_, own := d["keyring"]
			fmt.Fprintf(&v.channelText, "    %s%s%s\n", device, words("redirect", text(d, "redirect")), flag("keyring", own))
			if keyring, ok := d["keyring"].(object); ok {
				listed[strings.TrimPrefix(text(keyring, "path"), "/")] = true
			}
			if index := strings.TrimPrefix(text(d, "index"), "/"); !listed[index] {
				listed[index] = true
				v.indexPart(index, listed)
			}
		}
	}
	for file := range listed {
		if !exists(filepath.Join(v.conf.PublishPath, file)) {
			v.problem("missing %s", file)
		}
	}
	return v.leftovers(listed)
}

// indexPart describes one index.json.
func (v *view) indexPart(file string, listed map[string]bool) {
	var b strings.Builder
	index, err := v.readJSON(filepath.Join(v.conf.PublishPath, file), emptyIndex())
	if err != nil {
		v.problem("unreadable %s: %v", file, err)
		return
	}
	for _, i := range imagesOf(index) {
		b.WriteString(text(i, "type") + " " + repr(i["version"]))
		if base, ok := i["base"]; ok {
			b.WriteString(" from " + repr(base))
		}
		if n, ok := i["phased-percentage"]; ok {
			fmt.Fprintf(&b, " at %s%%", repr(n))
		}
		fmt.Fprintf(&b, ": %s\n", text(i, "version_detail"))
		for _, f := range filesOf(i) {
			name := strings.TrimPrefix(text(f, "path"), "/")
			fmt.Fprintf(&b, "    %s %s\n", repr(f["order"]), hideKeyring(name))
			listed[name] = true
			data, err := readFile(filepath.Join(v.conf.PublishPath, name))
			if err == nil && (hexSum(data) != f["checksum"] || len(data) != f["size"]) {
				v.problem("%s: another file than %s says", name, file)
			}
		}
	}
	v.devices[path.Dir(file)] = b.String()
}

// leftovers finds the files below www that nothing mentions. Metadata beside
// a mentioned tarball counts as mentioned.
func (v *view) leftovers(listed map[string]bool) error {
	return filepath.WalkDir(v.conf.PublishPath, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name := v.relativeTo(file)
		base := strings.TrimSuffix(name, ".asc")
		if !listed[base] && !listed[strings.TrimSuffix(base, ".json")+".tar.xz"] && path.Dir(name) != "gpg" {
			v.problem("leftover %s", name)
		}
		return nil
	})
}

// signatures checks every file below www that should be signed.
func (v *view) signatures() error {
	keys := map[string]func() openpgp.EntityList{} // most signatures are known by now
	for _, k := range keyChain {
		keys[k.name] = sync.OnceValue(func() openpgp.EntityList {
			return readKeyring(filepath.Join(v.conf.KeyringPath, k.name+".tar.xz"))
		})
	}
	return filepath.WalkDir(v.conf.PublishPath, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(file, ".asc") || strings.HasSuffix(file, ".new") {
			return err
		}
		key := "image-signing"
		name := v.relativeTo(file)
		for _, k := range keyChain {
			if name == "gpg/"+k.name+".tar.xz" {
				key = k.signedBy
			}
		}
		v.checkSignature(file, name, keys[key])
		return nil
	})
}

// readKeyring reads the keys of a keyring tarball; a damaged one has none.
func readKeyring(path string) openpgp.EntityList {
	data, err := readFile(path)
	if err != nil {
		return nil
	}
	members, err := unpackXZ(data)
	if err != nil {
		return nil
	}
	keys, err := openpgp.ReadKeyRing(bytes.NewReader(byName(members)["keyring.gpg"].data))
	if err != nil {
		return nil
	}
	return keys
}

func (v *view) checkSignature(file, name string, keys func() openpgp.EntityList) {
	sig, err := readFile(file + ".asc")
	data, err2 := readFile(file)
	switch {
	case err != nil || err2 != nil:
		v.problem("no signature of %s", name)
	case len(sig) == 0:
		v.problem("empty signature of %s", name)
	default:
		// Any time after the keys were made will do: they do not expire, and the
		// clock of a test may stand before it.
		c := &packet.Config{Time: func() time.Time { return time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }}
		seen := name + "\x00" + hexSum(data) + hexSum(sig)
		if _, ok := v.good.Load(seen); ok {
			return
		}
		if _, err := openpgp.CheckArmoredDetachedSignature(keys(), bytes.NewReader(data), bytes.NewReader(sig), c); err != nil {
			v.problem("bad signature of %s", name)
			return
		}
		v.good.Store(seen, true)
	}
}

// hideKeyring takes the hash out of the name of a keyring's tarball, which is
// made anew for each world.
func hideKeyring(line string) string {
	before, after, ok := strings.Cut(line, "pool/keyring-")
	if !ok {
		return line
	}
	_, ext, _ := strings.Cut(after, ".")
	return before + "pool/keyring." + ext
}

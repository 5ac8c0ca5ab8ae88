package systemimagetest

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// A downloadError is what the server's downloads say of a host or an answer.
type downloadError struct{ class, text string }

func (e *downloadError) Error() string { return e.text }

// fetch reads a URL of the fake's world. A URL that cannot be asked at all is
// an exception; any other failure is a downloadError.
func (p *process) fetch(address string) ([]byte, error) {
	given := address
	address = strings.TrimSpace(address)
	scheme, rest, ok := strings.Cut(address, ":")
	if !ok || scheme == "" || strings.Contains(scheme, "/") {
		return nil, raise("ValueError", "unknown url type: %s", repr(given))
	}
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return nil, &downloadError{"urllib.error.URLError", fmt.Sprintf("<urlopen error unknown url type: %s>", scheme)}
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
	if !strings.HasPrefix(rest, "//") || host == "" {
		return nil, &downloadError{"urllib.error.URLError", "<urlopen error no host given>"}
	}
	if _, port, _ := strings.Cut(host, ":"); strings.Trim(port, "0123456789") != "" {
		return nil, raise("http.client.InvalidURL", "nonnumeric port: %s", repr(port))
	}
	if i := strings.IndexAny(address, " \t\n"); i >= 0 {
		return nil, raise("http.client.InvalidURL", "URL can't contain control characters. %s (found at least %s)", repr(pathOf(address)), repr(address[i:i+1]))
	}
	s := &Server{root: p.home}
	file, err := s.source(address)
	if err != nil {
		return nil, raise("ValueError", "unknown url type: %s", repr(given))
	}
	if fault, err := readFile(file + faultExt); err == nil {
		return nil, answer(strings.TrimSpace(string(fault)))
	}
	if data, err := readFile(file); err == nil {
		return data, nil
	}
	u, _ := url.Parse(address)
	sources := filepath.Join(p.home, "sources")
	switch {
	case exists(filepath.Join(sources, u.Host)):
		return nil, answer("404 File not found")
	case exists(filepath.Join(sources, u.Hostname())):
		return nil, answer("refused")
	}
	return nil, answer("dns")
}

// notUTF8 is where b stops being UTF-8, or -1.
func notUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func pathOf(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	if i := strings.Index(rest, "/"); i >= 0 {
		return rest[i:]
	}
	return address
}

// answer is the failure that a fault of a [Build] stands for.
func answer(fault string) error {
	switch fault {
	case "refused":
		return &downloadError{"urllib.error.URLError", "<urlopen error [Errno 111] Connection refused>"}
	case "dns":
		return &downloadError{"urllib.error.URLError", "<urlopen error [Errno -3] Temporary failure in name resolution>"}
	case "timeout":
		return &downloadError{"TimeoutError", "timed out"}
	case "closed":
		return &downloadError{"http.client.RemoteDisconnected", "Remote end closed connection without response"}
	case "short":
		return &downloadError{"urllib.error.ContentTooShortError", "<urlopen error retrieval incomplete: got only 100 out of 1580 bytes>"}
	}
	status, reason, _ := strings.Cut(fault, " ")
	return &downloadError{"urllib.error.HTTPError", fmt.Sprintf("HTTP Error %s: %s", status, reason)}
}

// download fetches a URL and logs a failure as "Failed to VERB URL". ok is
// false then; err is an exception that ends the program.
func (p *process) download(address, verb string) (data []byte, ok bool, err error) {
	data, err = p.fetch(address)
	failed, survives := err.(*downloadError)
	if !survives {
		return data, err == nil, err
	}
	if p.era != 2016 {
		p.caught(failed, failed.class)
		p.record(failure, "Failed to %s %s", verb, address)
	}
	return nil, false, nil
}

// generateHTTP takes a tarball from a web server. With a monitor it is fetched
// only when the monitor's text changes, without one on every run. What comes is
// not examined, unless it is a root file system (http-cdimage).
func (p *process) generateHTTP(generator string, arguments []string, env environment) (string, error) {
	if len(arguments) == 0 {
		p.debug("Too few arguments")
		return "", nil
	}
	address, opts := arguments[0], p.options(argument(arguments, 1))
	name, ok := opts["name"]
	if !ok {
		name = generator
	}
	version := p.known[address]
	if monitor, ok := opts["monitor"]; ok && version == "" {
		var err error
		if version, err = p.monitored(monitor); version == "" || err != nil {
			return "", err
		}
		p.known[address] = version
	}
	path := ""
	if version != "" {
		for _, sum := range []string{version, hexSum([]byte(address + ":" + version))} {
			var found string
			var err error
			if path, found, err = p.pooled(name, sum, version, env); found != "" || err != nil {
				return found, err
			}
		}
	}
	data, ok, err := p.download(address, "retrieve url")
	if err != nil || !ok {
		return "", err
	}
	if version == "" {
		version = hexSum(data)
		p.known[address] = version
		var found string
		if path, found, err = p.pooled(name, version, version, env); found != "" || err != nil {
			return found, err
		}
	}
	meta := object{"generator": "http", "version": version, "version_detail": name + "=" + version, "url": address}
	add := p.addToPool
	if generator == "http-cdimage" {
		add = func(path string, data []byte, meta object) error {
			return p.addRootfs(path, data, meta, opts["product"])
		}
	}
	if err := add(path, data, meta); err != nil {
		return "", err
	}
	*env.details = append(*env.details, name+"="+version)
	return path, nil
}

// monitored reads a version from the URL that says it; "" when there is none.
func (p *process) monitored(monitor string) (string, error) {
	answer, ok, err := p.download(monitor, "download")
	if err != nil || !ok {
		return "", err
	}
	if i := notUTF8(answer); i >= 0 {
		return "", raise("UnicodeDecodeError", "'utf-8' codec can't decode byte 0x%02x in position %d: invalid start byte", answer[i], i)
	}
	version := strings.TrimSpace(string(answer))
	if version != "" && !strings.Contains(version, "\n") {
		return version, nil
	}
	if p.era != 2016 {
		p.record(failure, "Invalid or missing version number %s", version)
	}
	return "", nil
}

// pooled is where the pool keeps a file, and the same again if it is there.
func (p *process) pooled(name, sum, version string, env environment) (path, found string, err error) {
	path = p.poolPath(name, sum)
	p.debug("Path generated: %s", path)
	found, err = p.existing(path, name+"="+version, env)
	return path, found, err
}

// addRootfs is addToPool for a root file system, which is moved to its place.
func (p *process) addRootfs(path string, data []byte, meta object, product string) error {
	temp := filepath.Join(p.tempDir(), "download")
	meta["generator"], meta["rootfs_path"] = "cdimage-ubports", temp
	members, err := p.openRootfs(data, temp, true, product, true)
	if err != nil {
		return err
	}
	if err := p.packPool(path, members); err != nil {
		return err
	}
	return p.writeMetadata(path, meta)
}

// generateRemote takes a file from the newest full image of another server,
// without checking its signatures, and signs it anew. The option keyring=,
// which puts a keyring into the recovery image, finds none in a fake's payload:
// it cancels the image, as the real program does then.
func (p *process) generateRemote(arguments []string, env environment) (string, error) {
	if len(arguments) < 3 {
		p.debug("Too few arguments")
		return "", nil
	}
	base, channel, want, name := arguments[0], arguments[1], arguments[2], env.name
	opts := p.options(argument(arguments, 3))
	if d, ok := opts["device"]; ok {
		name = d
	}
	channels, err := p.remoteJSON(base + "/channels.json")
	if err != nil || channels == nil {
		return "", err
	}
	if _, ok := channels[channel]; !ok {
		p.debug("Missing channel name in JSON: %s", channel)
		return "", nil
	}
	d, ok := devicesOf(channels, channel)[name].(object)
	if !ok {
		p.debug("Missing device name in JSON: %s", name)
		return "", nil
	}
	p.debug("Index file for the devices in channel: %s/%s", base, text(d, "index"))
	index, err := p.remoteJSON(base + "/" + text(d, "index"))
	if err != nil || index == nil {
		return "", err
	}
	full := fullImages(imagesOf(index))
	p.debug("List of full images founds %s", repr(full))
	if len(full) == 0 {
		return "", nil
	}
	for _, f := range filesOf(full[len(full)-1]) {
		if prefix(text(f, "path")) != want {
			continue
		}
		path := p.realpath(filepath.Join(p.conf.PublishPath, text(f, "path")))
		p.debug("Path generated: %s", path)
		if exists(path) {
			return path, nil
		}
		data, ok, err := p.download(base+"/"+text(f, "path"), "retrieve url")
		if _, repack := opts["keyring"]; err != nil || !ok || repack {
			return "", err
		}
		if err := writeFile(path, data); err != nil {
			return "", err
		}
		if err := p.signFile(path, path+".asc"); err != nil {
			return "", err
		}
		return path, p.remoteMetadata(base+"/"+text(f, "path"), path, env)
	}
	return "", nil
}

// remoteMetadata fetches the .json of a file of another server, if it has one.
func (p *process) remoteMetadata(address, path string, env environment) error {
	data, ok, err := p.download(strings.Replace(address, ".tar.xz", ".json", 1), "retrieve url")
	if err != nil || !ok {
		return err
	}
	v, err := decodeJSON(data)
	if err != nil {
		return err
	}
	meta, _ := v.(object)
	if detail, ok := meta["version_detail"].(string); ok {
		*env.details = append(*env.details, detail)
	}
	target := strings.Replace(path, ".tar.xz", ".json", 1)
	if err := writeFile(target, data); err != nil {
		return err
	}
	return p.signFile(target, target+".asc")
}

// remoteJSON reads an object from another server, or nil if it does not answer.
func (p *process) remoteJSON(address string) (object, error) {
	data, ok, err := p.download(address, "retrieve url")
	if err != nil || !ok {
		return nil, err
	}
	v, err := decodeJSON(data)
	if err != nil {
		return nil, err
	}
	o, _ := v.(object)
	return o, nil
}

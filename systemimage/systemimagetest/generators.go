package systemimagetest

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/channelconfig"
)

// generate makes or finds the file of one entry of a channel's files. "" is
// the None that cancels the image.
func (p *process) generate(f channelconfig.FileEntry, env environment) (string, error) {
	switch f.Generator {
	case "version":
		return p.generateVersion(env)
	case "keyring":
		return p.generateKeyring(f.Arguments, env)
	case "cdimage-ubuntu", "cdimage-custom", "cdimage-device-raw":
		return p.generateCDImage(f.Generator, f.Arguments, env)
	case "http", "http-cdimage":
		return p.generateHTTP(f.Generator, f.Arguments, env)
	case "system-image":
		return p.generateSystemImage(f.Arguments, env)
	case "remote-system-image":
		return p.generateRemote(f.Arguments, env)
	}
	return "", raise("Exception", "Invalid generator: %s", f.Generator)
}

// options reads "k=v,k=v"; pieces of another form are ignored. In 2016 a value
// could not contain "=" either.
func (p *process) options(text string) map[string]string {
	m := map[string]string{}
	for piece := range strings.SplitSeq(text, ",") {
		k, v, ok := strings.Cut(piece, "=")
		if ok && (p.era != 2016 || !strings.Contains(v, "=")) {
			m[k] = v
		}
	}
	return m
}

// argument is the n-th argument, or "".
func argument(arguments []string, n int) string {
	if n < len(arguments) {
		return arguments[n]
	}
	return ""
}

func (p *process) poolPath(name, sum string) string {
	return p.realpath(filepath.Join(p.conf.PublishPath, "pool", name+"-"+sum+".tar.xz"))
}

// tempDir is where the real program would unpack.
func (p *process) tempDir() string { return filepath.Join(os.TempDir(), "tmpfake0000") }

// existing returns path if the pool has it, and adds the details that its
// metadata gives: the name of the build may be older than the one asked for.
func (p *process) existing(path, detail string, env environment) (string, error) {
	if !exists(path) {
		return "", nil
	}
	meta, err := p.readMetadata(path)
	if err != nil {
		return "", err
	}
	if d, ok := meta["version_detail"].(string); ok {
		detail = d
	}
	*env.details = append(*env.details, detail)
	return path, nil
}

// packPool compresses members into the pool and signs the result. When the
// disk is full xz fails, which nobody notices; the signature is what fails loudly.
func (p *process) packPool(path string, members []member) error {
	p.debug("Xzipping file: %s", path)
	data, err := packXZ(members, payloadTime)
	if err != nil {
		return err
	}
	if p.fault.DiskFull {
		data = data[:len(data)/2]
		p.complain("xz: (stdout): Write error: No space left on device")
	}
	if err := writeFile(path, data); err != nil {
		return err
	}
	if p.fault.DiskFull {
		if err := writeFile(path+".asc", nil); err != nil {
			return err
		}
		return raise("gpg.errors.GPGMEError", "gpgme_op_sign: GPGME: No space left on device")
	}
	return p.signFile(path, path+".asc")
}

// addToPool writes a payload, its signature and its metadata.
func (p *process) addToPool(path string, data []byte, meta object) error {
	if err := writeFile(path, data); err != nil {
		return err
	}
	if err := p.signFile(path, path+".asc"); err != nil {
		return err
	}
	return p.writeMetadata(path, meta)
}

// generateKeyring makes the tarball that carries a keyring to the devices. It
// always lies there as archive-master, whatever its name.
func (p *process) generateKeyring(arguments []string, env environment) (string, error) {
	if len(*env.newFiles) == 0 {
		p.debug("Nothing has changed, no new files")
		return "", nil
	}
	if len(arguments) == 0 {
		p.debug("Too few arguments")
		return "", nil
	}
	name := arguments[0]
	base := filepath.Join(p.conf.KeyringPath, name)
	tarball, err := readFile(base + ".tar.xz")
	if err != nil {
		return "", nil
	}
	sig, err := readFile(base + ".tar.xz.asc")
	if err != nil {
		return "", nil
	}
	sum := hexSum([]byte(hexSum(tarball) + "/" + hexSum(sig)))
	path := p.poolPath("keyring", sum)
	p.debug("Path generated: %s", path)
	*env.details = append(*env.details, "keyring="+name)
	if exists(path) {
		return path, nil
	}
	const inside = "system/usr/share/system-image/archive-master.tar.xz"
	err = p.packPool(path, []member{{name: inside, mode: 0o644, data: tarball}, {name: inside + ".asc", mode: 0o644, data: sig}})
	if err != nil {
		return "", err
	}
	return path, p.writeMetadata(path, object{"generator": "keyring", "version": sum, "version_detail": "keyring=" + name, "path": base})
}

// generateSystemImage takes a file from the newest full image of another channel.
func (p *process) generateSystemImage(arguments []string, env environment) (string, error) {
	said := failure
	if p.era == 2016 {
		said = debug
	}
	if len(arguments) < 2 {
		p.record(said, "Too few arguments")
		return "", nil
	}
	channel, want, name := arguments[0], arguments[1], env.name
	if d, ok := p.options(argument(arguments, 2))["device"]; ok {
		name = d
	}
	channels, err := p.channels()
	if err != nil {
		return "", err
	}
	if _, ok := channels[channel]; !ok {
		p.record(said, "Channel not in the published list: %s", channel)
		return "", nil
	}
	if _, ok := devicesOf(channels, channel)[name]; !ok {
		p.record(said, "Device not in the channel list: %s", name)
		return "", nil
	}
	d, err := p.device(channel, name)
	if err != nil {
		return "", err
	}
	images, err := d.images()
	if err != nil {
		return "", err
	}
	full := fullImages(images)
	p.debug("List of full images found %s", repr(full))
	if len(full) == 0 {
		p.record(said, "No images found for device: %s", name)
		return "", nil
	}
	for _, f := range filesOf(full[len(full)-1]) {
		if prefix(text(f, "path")) != want {
			continue
		}
		path := p.realpath(filepath.Join(p.conf.PublishPath, text(f, "path")))
		p.debug("Path generated: %s", path)
		meta, err := p.readMetadata(path)
		if err != nil {
			return "", err
		}
		if detail, ok := meta["version_detail"].(string); ok {
			*env.details = append(*env.details, detail)
		}
		return path, nil
	}
	p.record(said, "No match found for image '%s' for device '%s' in channel '%s'", want, name, channel)
	return "", nil
}

// architectures of devices that are no armhf ones, by generator.
var architectures = map[string]map[string]string{
	"cdimage-ubuntu": {
		"generic_x86": "i386", "generic_i386": "i386", "generic_amd64": "amd64", "azure_amd64": "amd64", "plano": "amd64",
		"generic_arm64": "arm64", "frieza_arm64": "arm64",
	},
	"cdimage-custom": {
		"generic_x86": "i386", "generic_i386": "i386", "generic_amd64": "amd64", "generic_arm64": "arm64", "frieza_arm64": "arm64",
	},
	"cdimage-device-raw": {
		"generic_x86": "i386", "generic_i386": "i386", "generic_amd64": "amd64", "azure_amd64": "amd64.azure",
		"plano": "amd64.plano", "raspi2_armhf": "armhf.raspi2", "generic_arm64": "arm64",
	},
}

// cdimageFiles are what the generators of cdimage trees take. A generator that
// is not here takes a root file system.
var cdimageFiles = map[string]build{
	"cdimage-custom":     {kind: "custom", word: "custom", ext: ".custom", product: "touch"},
	"cdimage-device-raw": {kind: "device", word: "raw_device", ext: ".device", product: "core"},
}

// generateCDImage takes the newest build of a cdimage tree that fits: with
// checksums, with the file for the series, and with the mark if it must be good.
func (p *process) generateCDImage(generator string, arguments []string, env environment) (string, error) {
	if len(arguments) < 2 {
		p.debug("Too few arguments")
		return "", nil
	}
	tree, opts := arguments[0], p.options(argument(arguments, 2))
	b, ok := cdimageFiles[generator]
	if !ok {
		b = build{kind: "ubuntu", word: "rootfs", product: "touch"}
	}
	b.generator, b.series = generator, arguments[1]
	if v, ok := opts["product"]; ok {
		b.product = v
	}
	arch, ok := architectures[generator][env.name]
	if !ok {
		arch = "armhf"
	}
	name := b.series + "-preinstalled-" + b.product + "-" + arch + b.ext + ".tar.gz"
	versions, err := p.builds(tree)
	if err != nil {
		return "", err
	}
	for _, b.version = range versions {
		dir := filepath.Join(p.realpath(tree), b.version)
		b.path = filepath.Join(tree, b.version, name)
		if !p.read(&b, dir, name) {
			continue
		}
		if opts["import"] == "good" && !exists(filepath.Join(dir, ".marked_good")) {
			continue
		}
		if b.sum != "" {
			return p.poolBuild(b, env)
		}
	}
	return "", nil
}

// builds lists the folders of a cdimage tree, newest first.
func (p *process) builds(tree string) (versions []string, err error) {
	dir := p.realpath(tree)
	entries, err := os.ReadDir(dir)
	switch {
	case !exists(dir):
		p.debug("Directory not found: %s", tree)
		return nil, nil
	case err != nil:
		return nil, raise("NotADirectoryError", "[Errno 20] Not a directory: %s", repr(tree))
	}
	for _, e := range slices.Backward(entries) {
		if e.Name() != "pending" && e.Name() != "current" {
			versions = append(versions, e.Name())
		}
	}
	p.debug("Versions detected: %s", repr(versions))
	return versions, nil
}

// read reads the file of a build and what its checksums say of it; false means
// that one of the two is missing.
func (p *process) read(b *build, dir, name string) bool {
	missing := func(format string, args ...any) bool {
		if b.kind != "device" {
			p.debug(format, args...)
		}
		return false
	}
	sums, err := readFile(filepath.Join(dir, "SHA256SUMS"))
	if err != nil {
		return missing("Missing checksum: False")
	}
	if b.data, err = readFile(p.realpath(b.path)); err != nil {
		return missing("Missing %s tarball: %s", b.word, b.path)
	}
	b.sum = ""
	for line := range strings.Lines(string(sums)) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, name) {
			b.sum = strings.Fields(line)[0]
			break
		}
	}
	return true
}

// A build is a file found in a cdimage tree.
type build struct {
	generator, kind, word, ext, series, product string

	path, version, sum string
	data               []byte
}

// poolBuild is the pool's file for a build of cdimage.
func (p *process) poolBuild(b build, env environment) (string, error) {
	path := p.poolPath(b.kind, b.sum)
	p.debug("Path generated: %s", path)
	key := map[string]string{"device": "raw-device"}[b.kind]
	if key == "" {
		key = b.kind
	}
	detail := key + "=" + b.version
	if found, err := p.existing(path, detail, env); found != "" || err != nil {
		return found, err
	}
	members, err := p.openRootfs(b.data, b.path, b.kind == "ubuntu", b.product, b.product == "touch" || b.product == "pd")
	if err != nil {
		return "", err
	}
	if err := p.packPool(path, members); err != nil {
		return "", err
	}
	*env.details = append(*env.details, detail)
	meta := object{
		"generator": b.generator, "version": b.version, "version_detail": detail,
		"series": b.series, b.word + "_path": b.path, b.word + "_checksum": b.sum,
	}
	if b.kind == "device" {
		meta["device"] = env.name
	}
	return path, p.writeMetadata(path, meta)
}

// openRootfs unpacks a .tar.gz and, with shift, moves it below system/ as a
// root file system, with Android's mount points if it has them.
func (p *process) openRootfs(data []byte, path string, shift bool, product string, android bool) ([]member, error) {
	if shift {
		p.debug("Opening tarball for processing")
	}
	p.debug("Ungzipping %s to: %s", path, filepath.Join(p.tempDir(), "source.tar"))
	if p.fault.TempFull {
		return nil, raise("OSError", "[Errno 28] No space left on device")
	}
	members, err := unpackGZ(data)
	switch {
	case len(data) == 0 && shift:
		return nil, raise("tarfile.ReadError", "empty file")
	case err != nil && bytes.HasPrefix(data, []byte("\x1f\x8b")):
		return nil, raise("EOFError", "Compressed file ended before the end-of-stream marker was reached")
	case err != nil && len(data) > 0:
		return nil, raise("gzip.BadGzipFile", "Not a gzipped file (b%s)", repr(string(data[:min(2, len(data))])))
	case !shift:
		return members, nil
	}
	p.debug("Closing tarball")
	return repack(members, product, android), nil
}

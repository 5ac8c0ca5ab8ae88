package systemimagetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// rootMark stands for the server's folder in texts of a world.
const rootMark = "@ROOT@"

const eraFile = "era"

// lay writes the world into the empty folder of the server.
func (s *Server) lay(w World) error {
	for _, dir := range []string{"bin", "etc", "www/pool", "state", "sources", "cdimage"} {
		if err := os.MkdirAll(filepath.Join(s.root, dir), 0o755); err != nil {
			return err
		}
	}
	if w.Era2016 {
		if err := writeFile(filepath.Join(s.root, eraFile), []byte("2016\n")); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(s.root, "etc/config"), []byte(strings.ReplaceAll(w.Config, rootMark, s.root))); err != nil {
		return err
	}
	if w.Crontab != "" {
		if err := writeFile(filepath.Join(s.root, "crontab"), []byte(strings.ReplaceAll(w.Crontab, rootMark, s.root))); err != nil {
			return err
		}
	}
	if err := writeTools(s.root); err != nil {
		return err
	}
	if err := createKeys(s.root, timeOrNow(s.Now)()); err != nil {
		return err
	}
	for _, b := range w.Builds {
		if err := s.AddBuild(b); err != nil {
			return err
		}
	}
	return s.layTree(w)
}

// A layout writes the tree of a new world with the server's own functions.
type layout struct {
	*process
	pool map[string]string // path of a payload by "key=value device" and by "key=value"
}

func (s *Server) layTree(w World) error {
	p := s.process("layout", io.Discard, io.Discard)
	p.ctx = context.Background()
	p.level = silent
	if err := p.loadConfig(); err != nil {
		// A world may have a broken configuration; the tree is made all the same.
		p.conf, _ = newConfig(nil, s.root)
	}
	for key, def := range map[string]string{"public_fqdn": "system-image.example.net", "public_http_port": "80", "public_https_port": "443"} {
		if _, ok := p.conf.public[key]; !ok {
			p.conf.public[key] = def
		}
	}
	l := &layout{p, map[string]string{}}
	channels := slices.Clone(w.Channels)
	// Images of channels with sources come first: the others hold copies of them.
	rank := func(c Channel) int {
		if at := slices.Index(p.conf.order, c.Name); at >= 0 && len(p.conf.channels[c.Name].files) > 0 {
			return at
		}
		return len(p.conf.order)
	}
	slices.SortStableFunc(channels, func(a, b Channel) int { return rank(a) - rank(b) })
	if err := l.layChannels(channels); err != nil {
		return fmt.Errorf("systemimagetest: %w", err)
	}
	return nil
}

func (l *layout) layChannels(channels []Channel) error {
	tree := object{}
	var aliases []string
	for _, c := range channels {
		entry := object{"devices": object{}}
		if c.Hidden || c.Redirect != "" {
			entry["hidden"] = true
		}
		if c.Alias != "" {
			entry["alias"] = c.Alias
		}
		if c.Alias != "" && c.Alias != c.Name {
			aliases = append(aliases, c.Name)
		}
		tree[c.Name] = entry
		if c.Redirect != "" || c.Alias != "" && c.Alias != c.Name {
			continue
		}
		for _, d := range c.Devices {
			if d.Redirect != "" {
				continue
			}
			device, err := l.layDevice(c, d)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.Name, d.Name, err)
			}
			entry["devices"].(object)[d.Name] = device
		}
	}
	for _, c := range channels {
		if c.Redirect == "" {
			continue
		}
		target, ok := tree[c.Redirect].(object)
		if !ok {
			return fmt.Errorf("%s: no channel %q to redirect to", c.Name, c.Redirect)
		}
		entry := tree[c.Name].(object)
		entry["redirect"], entry["devices"] = c.Redirect, clone(target["devices"])
	}
	for _, c := range channels {
		for _, d := range c.Devices {
			if d.Redirect == "" {
				continue
			}
			target, ok := devicesOf(tree, d.Redirect)[d.Name].(object)
			if !ok {
				return fmt.Errorf("%s, %s: no such device in %q to redirect to", c.Name, d.Name, d.Redirect)
			}
			entry := clone(target).(object)
			entry["redirect"] = d.Redirect
			devicesOf(tree, c.Name)[d.Name] = entry
		}
	}
	if err := l.commit(l.channelsPath(), tree); err != nil {
		return err
	}
	for _, name := range aliases {
		if err := l.syncAlias(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// layDevice writes the folder of a device and returns its entry in channels.json.
func (l *layout) layDevice(c Channel, d Device) (object, error) {
	dir := filepath.Join(l.conf.publish, c.Name, d.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entry := object{"index": fmt.Sprintf("/%s/%s/index.json", c.Name, d.Name)}
	if d.Keyring {
		for _, ext := range []string{"", ".asc"} {
			if err := copyFile(filepath.Join(l.conf.keyrings, "device-signing.tar.xz"+ext), filepath.Join(dir, "device.tar.xz"+ext)); err != nil {
				return nil, err
			}
		}
		url := fmt.Sprintf("/%s/%s/device.tar.xz", c.Name, d.Name)
		entry["keyring"] = object{"path": url, "signature": url + ".asc"}
	}
	device := &deviceDir{l.process, dir, filepath.Join(dir, "index.json")}
	index := emptyIndex()
	var images []any
	full := map[int]object{}
	for n, i := range d.Images {
		made, err := l.layImage(c, d, device, i, full)
		if err != nil {
			return nil, fmt.Errorf("image %d: %w", i.Version, err)
		}
		for _, m := range made {
			if i.Phased != nil && *i.Phased < 100 && n == len(d.Images)-1 {
				m["phased-percentage"] = *i.Phased
			}
			images = append(images, m)
		}
	}
	if images != nil {
		index["images"] = images
	}
	index["global"] = object{"generated_at": l.now().UTC().Format("Mon Jan 02 15:04:05 UTC 2006")}
	return entry, l.commit(device.indexPath, index)
}

// layImage makes a full image and its deltas.
func (l *layout) layImage(c Channel, d Device, device *deviceDir, i Image, full map[int]object) ([]object, error) {
	var paths, details []string
	for entry := range strings.SplitSeq(i.Details, ",") {
		key, value, ok := strings.Cut(entry, "=")
		if !ok {
			return nil, fmt.Errorf("%q in the details has no value", entry)
		}
		details = append(details, entry)
		if key == "tag" || key == "version" {
			continue
		}
		path, err := l.payload(c.Name, d.Name, key, value)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	env := environment{channel: c.Name, name: d.Name, device: device, version: i.Version, details: &details, newFiles: &paths}
	path, err := l.generateVersion(env)
	if err != nil {
		return nil, err
	}
	paths = append(paths, path)
	// Importer and copy-image make deltas by slightly different rules.
	l.name = "copy-image"
	if len(l.conf.channels[c.Name].files) > 0 {
		l.name = "import-images"
	}
	image, err := l.newImage("full", i.Version, strings.Join(details, ","), paths, 0)
	if err != nil {
		return nil, err
	}
	full[i.Version] = image
	images := []object{image}
	for _, base := range i.Bases {
		source, ok := full[base]
		if !ok {
			return nil, fmt.Errorf("no earlier image %d to make a delta from", base)
		}
		var files []string
		for _, path := range paths {
			delta, err := l.deltaFile(source, path, prefix(path))
			if err != nil {
				return nil, err
			}
			if delta != "" {
				files = append(files, delta)
			}
		}
		delta, err := l.newImage("delta", i.Version, strings.Join(details, ","), files, base)
		if err != nil {
			return nil, err
		}
		images = append(images, delta)
	}
	return images, nil
}

// payload makes the file of one entry of an image's details, or finds the one
// that another image has. A channel with sources names it as the importer would.
func (l *layout) payload(channel, device, key, value string) (string, error) {
	if key == "keyring" {
		details, files := []string{}, []string{"some"}
		path, err := l.generateKeyring([]string{value}, environment{details: &details, newFiles: &files})
		if err == nil && path == "" {
			err = fmt.Errorf("no keyring %q", value)
		}
		return path, err
	}
	detail := key + "=" + value
	for _, f := range l.conf.channels[channel].files {
		if _, only, specific := strings.Cut(f.name, ","); specific && only != device || detailKey(f) != key {
			continue
		}
		path, err := l.sourced(f, device, key, value)
		if err != nil {
			return "", err
		}
		if path != "" {
			l.pool[detail+" "+device], l.pool[detail] = path, path
			return path, nil
		}
	}
	for _, known := range []string{detail + " " + device, detail} {
		if path, ok := l.pool[known]; ok {
			return path, nil
		}
	}
	address := fmt.Sprintf("http://builds.example.net/%s/%s.tar.xz", device, key)
	path, err := l.httpPayload(address, key, value)
	l.pool[detail+" "+device] = path
	return path, err
}

// detailKey is the key of the entry that a source adds to the details.
func detailKey(f fileConfig) string {
	switch f.generator {
	case "http", "http-cdimage":
		if name, ok := unpackOptions(argument(f.arguments, 1))["name"]; ok {
			return name
		}
		return f.generator
	case "cdimage-ubuntu":
		return "ubuntu"
	case "system-image":
		return argument(f.arguments, 1)
	}
	return ""
}

// sourced makes a payload the way a generator of the configuration names it.
func (l *layout) sourced(f fileConfig, device, key, value string) (string, error) {
	if len(f.arguments) == 0 {
		return "", nil
	}
	opts := unpackOptions(f.arguments[len(f.arguments)-1])
	switch f.generator {
	case "http", "http-cdimage":
		return l.httpPayload(f.arguments[0], key, value)
	case "cdimage-ubuntu":
		if len(f.arguments) < 2 {
			return "", nil
		}
		b := build{generator: f.generator, kind: "ubuntu", word: "rootfs", series: f.arguments[1], product: opts["product"], version: value}
		b.path = filepath.Join(f.arguments[0], value, b.series+"-preinstalled-touch-armhf.tar.gz")
		var err error
		if b.data, err = rootfs(b.series, value); err != nil {
			return "", err
		}
		b.sum = hexSum(b.data)
		return l.poolBuild(b, environment{details: new([]string)})
	case "system-image":
		from := device
		if d, ok := opts["device"]; ok {
			from = d
		}
		return l.payload(f.arguments[0], from, key, value)
	}
	return "", nil
}

func (l *layout) httpPayload(address, name, value string) (string, error) {
	path := l.poolPath(name, hexSum([]byte(address+":"+value)))
	if exists(path) {
		return path, nil
	}
	data, err := payload(address, value)
	if err != nil {
		return "", err
	}
	meta := object{"generator": "http", "version": value, "version_detail": name + "=" + value, "url": address}
	if strings.HasSuffix(address, ".tar.gz") {
		members, err := unpackGZ(data)
		if err != nil {
			return "", err
		}
		if data, err = packXZ(repack(members, ""), payloadTime); err != nil {
			return "", err
		}
		meta["generator"], meta["rootfs_path"] = "cdimage-ubports", "/tmp/download"
	}
	return path, l.addToPool(path, data, meta)
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, data)
}

// Clone copies a server with everything it holds into a new folder. It is
// cheaper than a second Create, and the keys are the same.
func (s *Server) Clone(dir string) (*Server, error) {
	dir, err := emptyDir(dir)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(s.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case e.IsDir():
			return os.MkdirAll(to, 0o755)
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if rel == filepath.Join("etc", "config") || rel == "crontab" {
			data = []byte(strings.ReplaceAll(string(data), s.root, dir))
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, info.Mode().Perm())
	})
	if err != nil {
		return nil, err
	}
	c := &Server{root: dir, Now: s.Now}
	return c, nil
}

// process is a program of the server about to run.
func (s *Server) process(name string, stdout, stderr io.Writer) *process {
	return &process{
		ctx: context.Background(), home: s.root, root: s.root, dir: s.root, name: name, level: silent,
		out: bufio.NewWriterSize(stdout, 8192), err: stderr, now: timeOrNow(s.Now),
		sign: map[string]*signer{}, known: map[string]string{},
	}
}

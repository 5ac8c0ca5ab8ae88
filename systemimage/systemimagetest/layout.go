package systemimagetest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landingteam/landing/systemimage/channelconfig"
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
	config := w.Config
	if config == "" {
		config = defaultConfig(w.Channels)
	}
	if err := writeFile(filepath.Join(s.root, "etc/config"), []byte(strings.ReplaceAll(config, rootMark, s.root))); err != nil {
		return err
	}
	if w.Crontab != "" {
		if err := writeFile(filepath.Join(s.root, "crontab"), []byte(strings.ReplaceAll(w.Crontab, rootMark, cronWord(s.root)))); err != nil {
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

// defaultConfig is a configuration with every ordinary channel made by hand.
func defaultConfig(channels []Channel) string {
	var names []string
	var sections strings.Builder
	for _, c := range channels {
		if c.Alias == "" && c.Redirect == "" {
			names = append(names, c.Name)
			fmt.Fprintf(&sections, "\n[channel_%s]\ntype = manual\n", c.Name)
		}
	}
	global := "[global]\nbase_path = " + rootMark + "\n"
	if len(names) > 0 {
		global += "channels = " + strings.Join(names, ", ") + "\n"
	}
	return global + "public_fqdn = system-image.example.net\npublic_http_port = 80\npublic_https_port = 443\n" + sections.String()
}

// A layout writes the tree of a new world with the server's own functions.
type layout struct {
	*process
	pool  map[string]string // path of a payload by "key=value device" and by "key=value"
	depth int               // of channels whose files come from other channels
}

func (s *Server) layTree(w World) error {
	p := s.process("layout", io.Discard, io.Discard)
	p.ctx = context.Background()
	p.level = silent
	if err := p.loadConfig(); err != nil {
		// A world may have a broken configuration; the tree is made all the same.
		p.conf = noConfig(s.root)
	}
	p.conf.PublicFQDN = cmp.Or(p.conf.PublicFQDN, "system-image.example.net")
	p.conf.PublicHTTPPort = cmp.Or(p.conf.PublicHTTPPort, "80")
	p.conf.PublicHTTPSPort = cmp.Or(p.conf.PublicHTTPSPort, "443")
	l := &layout{process: p, pool: map[string]string{}}
	channels := slices.Clone(w.Channels)
	// Images of channels with sources come first: the others hold copies of them.
	rank := func(c Channel) int {
		at := slices.IndexFunc(p.conf.Channels, func(s channelconfig.ChannelSettings) bool { return s.Name == c.Name })
		if at >= 0 && len(p.conf.Channels[at].Files) > 0 {
			return at
		}
		return len(p.conf.Channels)
	}
	slices.SortStableFunc(channels, func(a, b Channel) int { return rank(a) - rank(b) })
	if err := l.layChannels(channels); err != nil {
		return fmt.Errorf("systemimagetest: %w", err)
	}
	return nil
}

func (l *layout) layChannels(channels []Channel) error {
	tree := object{}
	for _, c := range channels {
		entry, err := l.layChannel(c)
		if err != nil {
			return err
		}
		tree[c.Name] = entry
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
	if err := redirectDevices(tree, channels); err != nil {
		return err
	}
	if err := l.commit(l.channelsPath(), tree); err != nil {
		return err
	}
	for _, c := range channels {
		if !c.aliased() {
			continue
		}
		if err := l.syncAlias(c.Name); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

// aliased reports whether the channel shows another: an alias may name itself.
func (c Channel) aliased() bool { return c.Alias != "" && c.Alias != c.Name }

// layChannel writes the devices of a channel that has its own, and returns its
// entry in channels.json.
func (l *layout) layChannel(c Channel) (object, error) {
	if !filepath.IsLocal(c.Name) {
		return nil, fmt.Errorf("%q is no name of a channel", c.Name)
	}
	devices := object{}
	entry := object{"devices": devices}
	if c.Hidden || c.Redirect != "" {
		entry["hidden"] = true
	}
	if c.Alias != "" {
		entry["alias"] = c.Alias
	}
	if c.Redirect != "" || c.aliased() {
		return entry, nil
	}
	for _, d := range c.Devices {
		if d.Redirect != "" {
			continue
		}
		device, err := l.layDevice(c, d)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.Name, d.Name, err)
		}
		devices[d.Name] = device
	}
	return entry, nil
}

// redirectDevices lets devices that redirect show what they redirect to.
func redirectDevices(tree object, channels []Channel) error {
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
	return nil
}

// layDevice writes the folder of a device and returns its entry in channels.json.
func (l *layout) layDevice(c Channel, d Device) (object, error) {
	if !filepath.IsLocal(d.Name) || strings.Contains(d.Name, "/") {
		return nil, fmt.Errorf("no name of a device")
	}
	dir := filepath.Join(l.conf.PublishPath, c.Name, d.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entry := object{"index": fmt.Sprintf("/%s/%s/index.json", c.Name, d.Name)}
	if d.Keyring {
		for _, ext := range []string{"", ".asc"} {
			if err := copyFile(filepath.Join(l.conf.KeyringPath, "device-signing.tar.xz"+ext), filepath.Join(dir, "device.tar.xz"+ext)); err != nil {
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
	if settings, _ := l.conf.Channel(c.Name); len(settings.Files) > 0 {
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

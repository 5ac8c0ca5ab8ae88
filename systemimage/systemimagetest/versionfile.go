package systemimagetest

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// An environment is what a generator knows of the image being made.
type environment struct {
	channel, name string
	device        *deviceDir
	version       any
	details       *[]string
	newFiles      *[]string
}

// generateVersion makes the version tarball of an image and its metadata, or
// returns "" when no earlier file of the image is new.
func (p *process) generateVersion(env environment) (string, error) {
	if len(*env.newFiles) == 0 {
		p.debug("Nothing has changed, no new files")
		return "", nil
	}
	number := repr(env.version)
	path := filepath.Join(p.realpath(env.device.path), fmt.Sprintf("version-%s.tar.xz", number))
	p.debug("Path generated: %s", path)
	*env.details = append(*env.details, "version="+number)
	if exists(path) {
		p.debug("Version file already exists")
		return path, nil
	}
	details := strings.Join(*env.details, ",")
	members, err := p.versionMembers(env.channel, env.name, number, details, "")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(env.device.path, 0o755); err != nil {
		return "", err
	}
	if err := p.pack(path, members); err != nil {
		return "", err
	}
	if err := p.signFile(path, path+".asc"); err != nil {
		return "", err
	}
	return path, p.writeMetadata(path, object{
		"generator": "version", "version": env.version, "version_detail": "version=" + number,
		"channel.ini": object{"channel": env.channel, "device": env.name, "version": number, "version_detail": details},
	})
}

// versionMembers are the files of a version tarball.
func (p *process) versionMembers(channel, device, number, details, target string) ([]member, error) {
	public := map[string]string{"public_fqdn": p.conf.PublicFQDN, "public_http_port": p.conf.PublicHTTPPort, "public_https_port": p.conf.PublicHTTPSPort}
	for _, key := range []string{"public_http_port", "public_https_port", "public_fqdn"} {
		if public[key] != "" {
			continue
		}
		hint := ""
		for _, other := range []string{"public_http_port", "public_https_port"} {
			if public[other] != "" && strings.HasSuffix(key, "_port") {
				hint = fmt.Sprintf(". Did you mean: '%s'?", other)
			}
		}
		return nil, raise("AttributeError", "'Config' object has no attribute '%s'%s", key, hint)
	}
	var ini strings.Builder
	fmt.Fprintf(&ini, "[service]\nbase: %s\nhttp_port: %s\nhttps_port: %s\nchannel: %s\ndevice: %s\nbuild_number: %s\n",
		p.conf.PublicFQDN, p.conf.PublicHTTPPort, p.conf.PublicHTTPSPort, channel, device, number)
	if target != "" {
		fmt.Fprintf(&ini, "channel_target: %s\n", target)
	}
	if details != "" {
		fmt.Fprintf(&ini, "version_detail: %s\n", details)
	}
	const dir = "system/etc/system-image/"
	return []member{
		{name: "system/etc/ubuntu-build", mode: 0o644, data: []byte(number + "\n")},
		{name: dir + "channel.ini", mode: 0o644, data: []byte(ini.String())},
		{name: dir + "config.d/", mode: 0o775, kind: tar.TypeDir},
		{name: dir + "config.d/00_default.ini", mode: 0o644, kind: tar.TypeSymlink, link: "../client.ini"},
		{name: dir + "config.d/01_channel.ini", mode: 0o644, kind: tar.TypeSymlink, link: "../channel.ini"},
	}, nil
}

// pack compresses members into a file of the tree.
func (p *process) pack(path string, members []member) error {
	p.debug("Xzipping file: %s", path)
	data, err := packXZ(members, p.now())
	if err != nil {
		return err
	}
	return writeFile(path, data)
}

// writeMetadata writes and signs the .json beside a tarball.
func (p *process) writeMetadata(tarball string, meta object) error {
	path := strings.Replace(tarball, ".tar.xz", ".json", 1)
	if p.metadata++; p.fault.Kill == EmptyMetadata {
		if err := writeFile(path, nil); err != nil { // its content is written when it is closed
			return err
		}
		if err := p.reach(EmptyMetadata); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := writeFile(path, encodeJSON(meta)); err != nil {
		return err
	}
	return p.signFile(path, path+".asc")
}

// readMetadata reads the .json beside a tarball; a missing one is empty, and one
// without content is an error, other than of an index.
func (p *process) readMetadata(tarball string) (object, error) {
	path := strings.Replace(tarball, ".tar.xz", ".json", 1)
	if st, err := os.Stat(path); err == nil && st.Size() == 0 {
		_, err := decodeJSON(nil)
		return nil, err
	}
	return p.readJSON(path, object{})
}

// setTag replaces the tag in a list of details; an empty tag takes it away.
func setTag(details []string, tag string) []string {
	kept := slices.Clone(details)
	for i := 0; i < len(kept); i++ {
		if strings.HasPrefix(kept[i], "tag=") {
			// The real loop goes on behind what moves up: of two tags in a row the
			// second stays.
			kept = slices.Delete(kept, i, i+1)
		}
	}
	if tag != "" {
		kept = append(kept, "tag="+tag)
	}
	return kept
}

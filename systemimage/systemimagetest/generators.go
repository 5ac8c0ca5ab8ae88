package systemimagetest

import (
	"os"
	"path/filepath"
	"strings"
)

// unpackOptions reads "k=v,k=v"; pieces of another form are ignored.
func unpackOptions(text string) map[string]string {
	m := map[string]string{}
	for piece := range strings.SplitSeq(text, ",") {
		if fields := strings.Split(piece, "="); len(fields) == 2 {
			m[fields[0]] = fields[1]
		}
	}
	return m
}

func (p *process) poolPath(name, sum string) string {
	return p.realpath(filepath.Join(p.conf.publish, "pool", name+"-"+sum+".tar.xz"))
}

// tempDir is where the real program would unpack.
func (p *process) tempDir() string { return filepath.Join(os.TempDir(), "tmpfake0000") }

// packPool compresses members into the pool and signs the result.
func (p *process) packPool(path string, members []member) error {
	p.debug("Xzipping file: %s", path)
	data, err := packXZ(members, payloadTime)
	if err != nil {
		return err
	}
	if err := writeFile(path, data); err != nil {
		return err
	}
	return p.signFile("image-signing", path, path+".asc")
}

// addToPool writes a payload, its signature and its metadata.
func (p *process) addToPool(path string, data []byte, meta object) error {
	if err := writeFile(path, data); err != nil {
		return err
	}
	if err := p.signFile("image-signing", path, path+".asc"); err != nil {
		return err
	}
	return p.writeMetadata(path, meta)
}

// generateKeyring makes the tarball that carries a keyring to the devices.
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
	base := filepath.Join(p.conf.keyrings, name)
	tarball, err := os.ReadFile(base + ".tar.xz")
	if err != nil {
		return "", nil
	}
	sig, err := os.ReadFile(base + ".tar.xz.asc")
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

// A build is a root file system found in a cdimage tree.
type build struct {
	path, version, sum string
	data               []byte
}

// rootfsFile is the pool's file for a root file system of cdimage.
func (p *process) rootfsFile(b build, kind, series string, opts map[string]string) (string, error) {
	path := p.poolPath(kind, b.sum)
	p.debug("Path generated: %s", path)
	if exists(path) {
		return path, nil
	}
	p.debug("Opening tarball for processing")
	p.debug("Ungzipping %s to: %s", b.path, filepath.Join(p.tempDir(), "source.tar"))
	members, err := unpackGZ(b.data)
	if err != nil {
		return "", raise("gzip.BadGzipFile", "Not a gzipped file (%s)", repr(string(b.data[:min(2, len(b.data))])))
	}
	p.debug("Closing tarball")
	if err := p.packPool(path, repack(members, opts["product"])); err != nil {
		return "", err
	}
	return path, p.writeMetadata(path, object{
		"generator": "cdimage-" + kind, "version": b.version, "version_detail": kind + "=" + b.version,
		"series": series, "rootfs_path": b.path, "rootfs_checksum": b.sum,
	})
}

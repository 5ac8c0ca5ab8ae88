package systemimagetest

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

// readJSON reads a file of the tree; a missing or empty one is def.
func (p *process) readJSON(path string, def object) (object, error) {
	b, err := readFile(path)
	if err != nil || len(b) == 0 {
		return def, nil
	}
	v, err := p.decode(path, b)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, raise("TypeError", "Invalid %s, not a dict.", filepath.Base(path))
	}
	return o, nil
}

// editChannels changes channels.json and commits it when it differs.
func (p *process) editChannels(change func(object) error) error {
	path := p.channelsPath()
	channels, err := p.readJSON(path, object{})
	if err != nil {
		return err
	}
	before := clone(channels)
	failed := change(channels)
	if !equal(before, channels) || !exists(path) {
		if err := p.commit(path, channels); err != nil {
			return err
		}
	}
	return failed
}

// editIndex changes an index.json and commits it when it differs. As in the
// real program the commit takes place even if change fails, with what it had
// changed by then; the error that is reported is that of the commit.
func (p *process) editIndex(path string, change func(index object) error) error {
	index, err := p.readJSON(path, emptyIndex())
	if err != nil {
		return err
	}
	if err := wellFormed(index); err != nil {
		return err
	}
	before := clone(index)
	failed := change(index)
	if err := dropOldPercentages(index); err != nil {
		return err
	}
	if !equal(before, index) || !exists(path) {
		global, ok := index["global"].(object)
		if !ok {
			return keyError("global")
		}
		global["generated_at"] = p.now().UTC().Format("Mon Jan 02 15:04:05 UTC 2006")
		if err := p.commit(path, index); err != nil {
			return err
		}
	}
	return failed
}

// readIndex reads an index the way the programs list it: without the
// percentages of older versions.
func (p *process) readIndex(path string) (object, error) {
	index, err := p.readJSON(path, emptyIndex())
	if err != nil {
		return nil, err
	}
	if err := wellFormed(index); err != nil {
		return nil, err
	}
	return index, dropOldPercentages(index)
}

// wellFormed is what programs stumble over in an index without a list of images.
func wellFormed(index object) error {
	if _, ok := index["images"]; !ok {
		return keyError("images")
	}
	return nil
}

func emptyIndex() object { return object{"global": object{}, "images": []any{}} }

// dropOldPercentages keeps phased-percentage only on images of the highest version.
func dropOldPercentages(index object) error {
	last, some, err := lastVersion(index)
	if err != nil || !some {
		return err
	}
	for _, i := range imagesOf(index) {
		if !reflect.DeepEqual(i["version"], last) {
			delete(i, "phased-percentage")
		}
	}
	return nil
}

// lastVersion is the highest version of an index. A null version can be the
// only one, but cannot be compared with another.
func lastVersion(index object) (last any, some bool, err error) {
	var versions []any
	for _, i := range imagesOf(index) {
		if !slices.Contains(versions, i["version"]) {
			versions = append(versions, i["version"])
		}
	}
	for _, v := range versions {
		n, ok := v.(int)
		if !ok && len(versions) > 1 {
			return nil, false, raise("TypeError", "'<' not supported between instances of 'NoneType' and 'int'")
		}
		if m, isInt := last.(int); !some || isInt && n > m {
			last, some = v, true
		}
	}
	return last, some, nil
}

// imagesOf is the list of images of an index.
func imagesOf(index object) []object {
	list, _ := index["images"].([]any)
	images := make([]object, 0, len(list))
	for _, i := range list {
		if o, ok := i.(object); ok {
			images = append(images, o)
		}
	}
	return images
}

// commit replaces a signed file of the tree: write .new, sign it, move the
// signature, move the file. A reader can meet every state in between, and so
// can the next program after a kill.
func (p *process) commit(path string, v object) error {
	if err := p.dawdle(); err != nil {
		return err
	}
	if err := createFile(path+".new", encodeJSON(v), 0o644); err != nil {
		return err
	}
	if err := p.signFile(path+".new", path+".new.asc"); err != nil {
		return err
	}
	p.commits++
	if err := p.reach(Signed); err != nil {
		return err
	}
	if exists(path + ".asc") {
		if err := os.Remove(path + ".asc"); err != nil {
			return err
		}
	}
	if err := p.reach(BeforeSignatureMoved); err != nil {
		return err
	}
	if err := os.Rename(path+".new.asc", path+".asc"); err != nil {
		return err
	}
	if exists(path) {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := p.reach(BeforeIndexMoved); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// timeOrNow makes a nil clock the real one.
func timeOrNow(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

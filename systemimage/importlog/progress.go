package importlog

import (
	"path"
	"strings"
)

// A Progress is how far a run of import-images is, told from its lines while it goes
// on. It counts devices: a channel that the configuration leaves out is not waited for.
type Progress struct {
	Done  int // devices that had their turn
	Total int // devices of all channels that may have theirs

	devices map[string]int // of each channel whose turn has not come
	open    bool           // a device has its turn
}

// NewProgress begins with the indexes of all devices that are published, as paths from
// the root of the tree.
func NewProgress(indexes []string) *Progress {
	p := &Progress{Total: len(indexes), devices: map[string]int{}}
	for _, index := range indexes {
		p.devices[path.Dir(path.Dir(strings.TrimPrefix(index, "/")))]++
	}
	return p
}

// Line reads the next line and reports whether it brought the run further.
func (p *Progress) Line(line string) (further bool) {
	level, text := recordOf([]byte(line))
	if level == "" {
		return false
	}
	before := *p
	word, name, _ := strings.Cut(string(text), ": ")
	switch word {
	case "Skipping non-auto channel", "Invalid channel name":
		p.Total -= p.devices[name]
		delete(p.devices, name)
	case "Processing device":
		p.ended()
		p.open = true
	case "Syncing any existing alias", "Processing channel", "Removing orphaned files from the pool":
		p.ended()
	}
	p.Total = max(p.Total, p.Done)
	return p.Done != before.Done || p.Total != before.Total
}

func (p *Progress) ended() {
	if p.open {
		p.Done++
		p.open = false
	}
}

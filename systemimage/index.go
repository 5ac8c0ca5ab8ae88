package systemimage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Types of an image.
const (
	Full  = "full"
	Delta = "delta"
)

// MaxVersion is the highest version a device understands (16 bits).
const MaxVersion = 65535

// An Index is an index.json: all images of one device in one channel.
//
// Fields that this package does not know are kept as they are in the Unknown
// maps and written back by MarshalJSON. A known field whose value is of no use
// ("version": null, "size": "many") stays zero and has its value in Unknown
// under its own name as well; a nil value there says that a required field is
// missing. [Index.Check] tells which of them stop devices.
type Index struct {
	GeneratedAt string // global.generated_at as written; see Generated. Empty when missing
	Images      []Image

	UnknownGlobal map[string]json.RawMessage // other fields of "global"
	Unknown       map[string]json.RawMessage // other fields beside "global" and "images"
}

// An Image is one entry of an index: a full image, or a delta from exactly one
// version to another.
type Image struct {
	Type          string // Full or Delta; any other type stops devices
	Version       int    // 0..65535
	Base          int    // version a delta applies to; without meaning on a full
	NullVersion   bool   // Version is null (or missing, or no integer): copy-image -k into an empty device publishes that
	Description   string
	Descriptions  map[string]string // translations under their full names: "description_de", "description-de"
	VersionDetail string            // see Detail
	Percentage    int               // phased-percentage; 100 when absent. Devices take it as 0 below and 100 above
	Bootme        bool              // a reboot is needed after this image
	MinVersion    int               // a full is not offered to devices below it; ignored on deltas
	MaxVersion    int               // known to no client and no server of this line; kept
	Files         []File            // in the order of the index; see File.Order

	Unknown map[string]json.RawMessage // fields that this package does not know; see [Index]
}

// A File is one file of an image.
type File struct {
	Order     int    // order of unpacking, from 0
	Path      string // URL path from the root of the tree
	Signature string // URL path of the detached signature
	Checksum  string // SHA-256 of the file, lower-case hex
	Size      int64  // bytes; not verified by devices

	Unknown map[string]json.RawMessage // fields that this package does not know; see [Index]
}

// Detail returns the parsed version_detail.
func (m Image) Detail() Detail { return parseDetail(m.VersionDetail) }

// Size returns the bytes of all files of m, signatures not counted.
func (m Image) Size() int64 {
	var n int64
	for _, f := range m.Files {
		n += f.Size
	}
	return n
}

// String names m as a log would: "full 12", "delta 11->12".
func (m Image) String() string {
	version := fmt.Sprint(m.Version)
	if m.NullVersion {
		version = "null"
	}
	if m.Type == Delta {
		return fmt.Sprintf("delta %d->%s", m.Base, version)
	}
	return m.Type + " " + version
}

// Full returns the full image of a version. Of several entries with one
// identity the first counts, for devices too.
func (x *Index) Full(version int) (Image, bool) {
	for _, m := range x.Images {
		if m.Type == Full && !m.NullVersion && m.Version == version {
			return m, true
		}
	}
	return Image{}, false
}

// Latest returns the full image with the highest version.
func (x *Index) Latest() (Image, bool) {
	at := -1
	for i, m := range x.Images {
		if m.Type == Full && !m.NullVersion && (at < 0 || m.Version > x.Images[at].Version) {
			at = i
		}
	}
	if at < 0 {
		return Image{}, false
	}
	return x.Images[at], true
}

// Newest returns the highest version of any image, full or delta: the next
// copy gets the number after it. ok is false when there is no image.
func (x *Index) Newest() (version int, ok bool) {
	for _, m := range x.Images {
		if !m.NullVersion && (!ok || m.Version > version) {
			version, ok = m.Version, true
		}
	}
	return version, ok
}

// Fulls returns the full images by ascending version, each version once.
func (x *Index) Fulls() []Image {
	return x.pick(func(m Image) bool { return m.Type == Full })
}

// Deltas returns the deltas that lead to a version, by ascending base, each once.
func (x *Index) Deltas(version int) []Image {
	return x.pick(func(m Image) bool { return m.Type == Delta && m.Version == version })
}

// WithoutDelta returns the full image before the newest one when no delta leads from it
// to the newest: devices that have it download the full image. The server's programs
// publish the full image first, and make no delta of an image that is published; the
// next image gets its own again.
func (x *Index) WithoutDelta() (base int, ok bool) {
	fulls := x.Fulls()
	if len(fulls) < 2 {
		return 0, false
	}
	newest, before := fulls[len(fulls)-1].Version, fulls[len(fulls)-2].Version
	return before, !slices.ContainsFunc(x.Deltas(newest), func(d Image) bool { return d.Base == before })
}

// WithoutBase returns the versions to which deltas lead from images that have expired, by
// the expired version. The server's programs expire the full image first, and then its
// deltas.
func (x *Index) WithoutBase() map[int][]int {
	kept := map[int][]int{}
	for _, m := range x.pick(func(m Image) bool { return m.Type == Delta }) {
		if _, there := x.Full(m.Base); !there {
			kept[m.Base] = append(kept[m.Base], m.Version)
		}
	}
	return kept
}

func (x *Index) pick(want func(Image) bool) []Image {
	var list []Image
	for _, m := range x.Images {
		if !m.NullVersion && want(m) {
			list = append(list, m)
		}
	}
	identity := func(a, b Image) int {
		if a.Type == Full {
			return cmp.Compare(a.Version, b.Version)
		}
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Base, b.Base))
	}
	slices.SortStableFunc(list, identity)
	return slices.CompactFunc(list, func(a, b Image) bool { return identity(a, b) == 0 })
}

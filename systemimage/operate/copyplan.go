package operate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/internal/host"
)

// A copyPlan is what a copy or a tag is expected to bring about.
type copyPlan struct {
	want   CopyResult
	source systemimage.Image
	base   *systemimage.PublishedIndex // the destination as it was
	bases  []systemimage.Image         // expected delta sources in the destination
	look   inspection
}

// A halfway is an image that is there, but not as asked: what a copy looks like
// that was killed, or that is still running.
type halfway struct{ error }

// planCopy plans a copy. Where it finds one halfway while something holds the
// global lock, as after a restart with the copy still running, it waits for the end.
func (s *Server) planCopy(ctx context.Context, r CopyRequest) (*copyPlan, bool, error) {
	if err := s.usable(copyOp, false); err != nil {
		return nil, false, err
	}
	wait, poll := s.lockTimes()
	for deadline := time.Now().Add(wait); ; {
		p, done, err := s.planCopyNow(ctx, r)
		var h halfway
		if !errors.As(err, &h) {
			return p, done, err
		}
		held := viewLock(ctx, s.Runner, s.root()).held
		s.Client.Forget(r.Device)
		if !held || time.Until(deadline) < poll {
			return s.planCopyNow(ctx, r) // it may have ended between the two looks
		}
		s.log().InfoContext(ctx, "the image is there, but not as asked: its copy may be running")
		if host.Sleep(ctx, poll) != nil {
			return p, done, err
		}
		s.Client.Forget(r.Device)
	}
}

func (s *Server) planCopyNow(ctx context.Context, r CopyRequest) (*copyPlan, bool, error) {
	refuse := func(text string) (*copyPlan, bool, error) {
		return nil, false, &systemimage.Error{Op: copyOp, Channel: r.To, Device: r.Device, Kind: systemimage.ErrRefused, Err: errors.New(text)}
	}
	if text := r.refuse(); text != "" {
		return refuse(text)
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, false, err
	}
	if text := refuseCopy(l.Channels, r.From, r.To, r.Device, r.Tag); text != "" {
		return refuse(text)
	}
	src, err := s.Client.IndexOf(ctx, l, r.From, r.Device)
	if err != nil {
		return nil, false, err
	}
	dst, err := s.Client.IndexOf(ctx, l, r.To, r.Device)
	if err != nil {
		return nil, false, err
	}
	for _, x := range []*systemimage.PublishedIndex{src, dst} {
		if text := refuseNull(x.Index); text != "" {
			return nil, false, &systemimage.Error{Op: copyOp, Channel: x.Channel, Device: r.Device, Kind: systemimage.ErrBroken, Err: errors.New(text)}
		}
	}
	source, ok := src.Full(r.Version)
	if !ok {
		var have []string
		for _, m := range src.Fulls() {
			have = append(have, strconv.Itoa(m.Version))
		}
		return refuse(noVersion.of(r.Version) + fmt.Sprintf(" in %s, which has %s", r.From, orNone(strings.Join(have, ", "))))
	}
	sourceTag := source.Detail().Tag()
	tag := r.Tag
	switch {
	case r.KeepTag:
		tag = sourceTag
	case tag == "" && sourceTag != "":
		return refuse(fmt.Sprintf("image %d of %s carries the tag %q, which the copy would inherit: state another tag, or say that it is kept",
			r.Version, r.From, sourceTag))
	}
	newest, _ := dst.Newest()
	p := &copyPlan{source: source, base: dst, want: CopyResult{
		Channel: r.To, Device: r.Device, Version: newest + 1, From: r.From, Source: r.Version, Tag: tag, Percentage: r.Percentage,
	}}
	p.want.Detail = copiedDetail(source.VersionDetail, r.Tag != "", r.Tag, p.want.Version)
	latest, published := dst.Latest()
	if sameFiles(source, latest) { // also when nothing is published and the source has no files
		if !published {
			return refuse(alreadyLatest.of() + " It has no files.")
		}
		if err := s.Client.Served(ctx, dst); err != nil { // a copy is looked up with its signature
			return nil, false, err
		}
		return s.alreadyThere(ctx, l, p, latest)
	}
	if p.want.Version > systemimage.MaxVersion {
		return refuse(fmt.Sprintf("the copy would get the number %d, and devices know none above %d", p.want.Version, systemimage.MaxVersion))
	}
	p.expect(l, latest, published)
	p.lookAround(l, src, dst)
	for _, b := range p.bases {
		p.look.image(b)
		p.look.reused = append(p.look.reused, reusedDeltas(b, source)...)
	}
	return p, false, nil
}

// refuse says what is wrong with the request itself. What the program would
// accept and should not is among it.
func (r CopyRequest) refuse() string {
	if text := refuseWords([2]string{"source channel", r.From}, [2]string{"destination channel", r.To}, [2]string{"device", r.Device}); text != "" {
		return text
	}
	switch {
	case r.Version < 1 || r.Version > systemimage.MaxVersion:
		return fmt.Sprintf("version %d of the source is not in 1..%d: copy-image would take 0 for the newest", r.Version, systemimage.MaxVersion)
	case r.Tag != "" && r.KeepTag:
		return "Tag and KeepTag contradict each other: state one"
	}
	if text := refuseTag(r.Tag); text != "" {
		return text
	}
	return refusePercentage(r.Percentage)
}

// expect fills in the deltas and aliases that p will have.
func (p *copyPlan) expect(l *systemimage.Listing, latest systemimage.Image, published bool) {
	if published {
		// The default of the configuration: the newest full image of the channel
		// itself. Other sources show up in the program's records.
		p.bases = []systemimage.Image{latest}
		p.want.Deltas = []int{latest.Version}
	}
	p.want.Aliases = aliasesOf(l, p.want.Channel)
}

// copiedDetail is the version_detail that copy-image and tag-image give a copy:
// the entries of the source without its number, the tag replaced, the new number.
func copiedDetail(source string, setTag bool, tag string, version int) string {
	var entries []string
	for entry := range strings.SplitSeq(source, ",") {
		if strings.HasPrefix(entry, "version=") || setTag && strings.HasPrefix(entry, "tag=") {
			continue
		}
		entries = append(entries, entry)
	}
	if setTag && tag != "" {
		entries = append(entries, "tag="+tag)
	}
	return strings.Join(append(entries, fmt.Sprintf("version=%d", version)), ",")
}

// lookAround says what must be in order for p: the folders of source and
// destination, those of its aliases, and every index, because the program ends
// by deleting all files that none names.
func (p *copyPlan) lookAround(l *systemimage.Listing, src, dst *systemimage.PublishedIndex) {
	from, to := src.Entry.Folder(), dst.Entry.Folder()
	p.look.dirs = slices.Compact([]string{from, to})
	for _, at := range aliasPlaces(l, p.want.Channel, p.want.Device) {
		p.look.follow = append(p.look.follow, at.dir)
	}
	p.look.indexes = allIndexes(l)
	version := func(dir string, n int) string { return fmt.Sprintf("%s/version-%d.json", dir, n) }
	p.look.details = map[string]string{version(to, p.want.Version): p.want.Detail, version(from, p.want.Source): p.source.VersionDetail}
	p.look.image(p.source)
}

// expectedFiles are those that the index will name for p, as far as that is known
// before: the files of its source, a version tarball of its own, and the deltas that
// are reused.
func (p *copyPlan) expectedFiles(version int) []systemimage.File {
	files := []systemimage.File{{Path: fmt.Sprintf("/%s/version-%d.tar.xz", p.base.Entry.Folder(), version)}}
	for _, f := range p.source.Files {
		if !strings.HasPrefix(path.Base(f.Path), "version-") {
			files = append(files, f)
		}
	}
	for _, b := range p.bases {
		for _, delta := range reusedDeltas(b, p.source) {
			files = append(files, systemimage.File{Path: delta})
		}
	}
	return files
}

func basesOf(deltas []systemimage.Image) []int {
	var list []int
	for _, d := range deltas {
		list = append(list, d.Base)
	}
	return list
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

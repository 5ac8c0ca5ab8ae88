package operate

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landingteam/landing/systemimage"
)

// The programs check their arguments in a fixed order and say the first thing
// that is wrong. The functions here say the same from the published channels
// and indexes, in the same order and words, before anything is run, and add
// what to do instead. An empty text means that the program would go to work.

// refuseWords says what is wrong with words of a command line that the programs
// would take for something else, or that no published document can carry.
func refuseWords(words ...[2]string) string {
	for _, w := range words {
		what, s := w[0], w[1]
		switch {
		case s == "":
			return what + " is empty"
		case s[0] == '-':
			return fmt.Sprintf("%s %q begins with a dash: the programs would take it for an option", what, s)
		case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
			return fmt.Sprintf("%s %q has control characters or is no UTF-8", what, s)
		}
	}
	return ""
}

func refusePercentage(p int) string {
	if p < 0 || p > 100 {
		return fmt.Sprintf("percentage %d is not in 0..100: copy-image would publish at 100 %% and fail afterwards", p)
	}
	return ""
}

func refuseTag(tag string) string {
	if tag == "" {
		return ""
	}
	return refuseWords([2]string{"tag", tag})
}

func refuseComma(tag string) string {
	if strings.Contains(tag, ",") {
		return "Image tag cannot include the character ','."
	}
	return ""
}

// refuseCopy covers what copy-image checks before it looks at images.
func refuseCopy(cs systemimage.Channels, from, to, device, tag string) string {
	src, inSrc := cs[from]
	dst, inDst := cs[to]
	srcDevice, onSrc := src.Devices[device]
	dstDevice, onDst := dst.Devices[device]
	switch {
	case !inSrc:
		return fmt.Sprintf("Invalid source channel: %s", from)
	case !inDst:
		return fmt.Sprintf("Invalid destination channel: %s", to)
	case !onSrc:
		return fmt.Sprintf("Invalid device for source channel: %s", device)
	case !onDst:
		return fmt.Sprintf("Invalid device for destination channel: %s", device)
	case src.Alias != "" && src.Alias != from:
		return "Source channel is an alias." + instead(src.Alias)
	case dst.Alias != "" && dst.Alias != to:
		return "Destination channel is an alias." + instead(dst.Alias)
	case src.Redirect != "":
		return "Source channel is a redirect." + instead(src.Redirect)
	case dst.Redirect != "":
		return "Destination channel is a redirect." + instead(dst.Redirect)
	case srcDevice.Redirect != "":
		return fmt.Sprintf("Source device is a redirect. Use original channel %s instead.", srcDevice.Redirect)
	case dstDevice.Redirect != "":
		return fmt.Sprintf("Destination device is a redirect. Use original channel %s instead.", dstDevice.Redirect)
	}
	return refuseComma(tag)
}

// refuseTarget covers what set-phased-percentage and tag-image check before
// they look at images. They differ in one word about an unknown device.
func refuseTarget(cs systemimage.Channels, channel, device, wordsForDevice string) string {
	c, ok := cs[channel]
	d, on := c.Devices[device]
	switch {
	case !ok:
		return fmt.Sprintf("Invalid channel: %s", channel)
	case !on:
		return fmt.Sprintf("%s: %s", wordsForDevice, device)
	case c.Alias != "" && c.Alias != channel:
		return "Channel is an alias." + instead(c.Alias)
	case c.Redirect != "":
		return "Channel is a redirect." + instead(c.Redirect)
	case d.Redirect != "":
		return fmt.Sprintf("Target device is a redirect. Use original channel %s instead.", d.Redirect)
	}
	return ""
}

func instead(channel string) string { return " Use its target " + channel + " instead." }

// refusePhase covers what set-phased-percentage says of the version.
func refusePhase(x *systemimage.Index, version int) string {
	newest, ok := x.Newest()
	switch {
	case !slices.ContainsFunc(x.Images, func(m systemimage.Image) bool { return !m.NullVersion && m.Version == version }):
		return fmt.Sprintf("Version doesn't exist: %d", version)
	case ok && version != newest:
		return fmt.Sprintf("Phased percentage can only be set on the latest image, which is %d", newest)
	}
	return ""
}

// refuseTag covers what tag-image says of the version.
func refuseTagOf(x *systemimage.Index, version int) string {
	newest, ok := x.Newest()
	_, full := x.Full(version)
	switch {
	case !ok:
		return "No images in selected channel/device."
	case version != newest:
		return fmt.Sprintf("You can only tag the latest image. It is %d.", newest)
	case !full:
		return fmt.Sprintf("Can't find version: %d", version)
	}
	return ""
}

// refuseNull says what a program would die of when the index holds an image
// with "version": null, which copy-image -k without -r once published.
func refuseNull(x *systemimage.Index) string {
	if slices.ContainsFunc(x.Images, func(m systemimage.Image) bool { return m.NullVersion }) {
		return "an image of the index has no number (\"version\": null): every copy, tag and percentage dies of it; " +
			"remove it in si-shell with get_device(...).remove_image(\"full\", None)"
	}
	return ""
}

// sameFiles reports whether two images consist of the same files in the same
// order, version tarballs apart: then copying one onto the other is refused.
func sameFiles(a, b systemimage.Image) bool { return slices.Equal(payload(a), payload(b)) }

// payload returns the base names of the files of m without its version tarball.
func payload(m systemimage.Image) []string {
	names := []string{}
	for _, f := range m.Files {
		if name := path.Base(f.Path); !strings.HasPrefix(name, "version-") {
			names = append(names, name)
		}
	}
	return names
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

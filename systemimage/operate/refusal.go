package operate

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/landingteam/landing/systemimage"
)

// The programs check their arguments in a fixed order and say the first thing
// that is wrong. The functions here say the same from the published channels
// and indexes, in the same order, before anything is run: in the server's own
// words, which stand in serversentences.go, with what to do instead behind them; and
// in ours where the program would not refuse but should. An empty text means that
// the program would go to work.

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
		return commaInTag.of()
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
		return noSourceChannel.of(from)
	case !inDst:
		return noDestinationChannel.of(to)
	case !onSrc:
		return noSourceDevice.of(device)
	case !onDst:
		return noDestinationDevice.of(device)
	case src.Alias != "" && src.Alias != from:
		return sourceAlias.of() + instead(src.Alias)
	case dst.Alias != "" && dst.Alias != to:
		return destinationAlias.of() + instead(dst.Alias)
	case src.Redirect != "":
		return sourceRedirect.of() + instead(src.Redirect)
	case dst.Redirect != "":
		return destinationRedirect.of() + instead(dst.Redirect)
	case srcDevice.Redirect != "":
		return sourceDeviceRedirect.of(srcDevice.Redirect)
	case dstDevice.Redirect != "":
		return destinationDeviceRedirect.of(dstDevice.Redirect)
	}
	return refuseComma(tag)
}

// refuseTarget covers what set-phased-percentage and tag-image check before
// they look at images. They differ about an unknown device.
func refuseTarget(cs systemimage.Channels, channel, device string, noDevice sentence) string {
	c, ok := cs[channel]
	d, on := c.Devices[device]
	switch {
	case !ok:
		return noChannel.of(channel)
	case !on:
		return noDevice.of(device)
	case c.Alias != "" && c.Alias != channel:
		return channelAlias.of() + instead(c.Alias)
	case c.Redirect != "":
		return channelRedirect.of() + instead(c.Redirect)
	case d.Redirect != "":
		return deviceRedirect.of(d.Redirect)
	}
	return ""
}

func instead(channel string) string { return " Use its target " + channel + " instead." }

// refusePhase covers what set-phased-percentage says of the version.
func refusePhase(x *systemimage.Index, version int) string {
	newest, ok := x.Newest()
	switch {
	case !slices.ContainsFunc(x.Images, func(m systemimage.Image) bool { return !m.NullVersion && m.Version == version }):
		return noVersionToPhase.of(version)
	case ok && version != newest:
		return phaseNotLatest.of() + fmt.Sprintf(", which is %d", newest)
	}
	return ""
}

// refuseTagOf covers what tag-image says of the version.
func refuseTagOf(x *systemimage.Index, version int) string {
	newest, ok := x.Newest()
	_, full := x.Full(version)
	switch {
	case !ok:
		return noImagesToTag.of()
	case version != newest:
		return tagNotLatest.of() + fmt.Sprintf(" It is %d.", newest)
	case !full:
		return noVersion.of(version)
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

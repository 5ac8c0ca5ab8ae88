package procedure

import (
	"fmt"
	"strings"

	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/systemimage"
)

// columns is how wide evidence may be: a terminal has 80, and the question stands
// indented.
const columns = 72

// hang puts words behind a head, in lines that go on below the first word.
func hang(head string, words []string) (lines []string) {
	line := head
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if len(line)+1+len(w) > columns && line != head {
			lines = append(lines, line)
			line = strings.Repeat(" ", len(head))
		}
		line += " " + w
	}
	return append(lines, line)
}

// madeOf is what an image was made of, without what stands beside it anyway.
func madeOf(detail string) (words []string) {
	for _, e := range (systemimage.Image{VersionDetail: detail}).Detail() {
		if e.Key != "keyring" && e.Key != "version" {
			words = append(words, e.Key+"="+e.Value)
		}
	}
	return words
}

// widest is the length of the longest name.
func widest[T any](list []T, name func(T) string) (n int) {
	for _, v := range list {
		n = max(n, len(name(v)))
	}
	return n
}

// releaseLines show images that are to be released: below their channels each with what
// it was made of, and with what is to be known.
func releaseLines(list []releaseImage) (lines []string) {
	wide := widest(list, func(v releaseImage) string { return v.Device })
	for n, v := range list {
		if n == 0 || v.From != list[n-1].From || v.To != list[n-1].To {
			lines = append(lines, v.From, "to "+v.To)
		}
		head := fmt.Sprintf("  %-*s  image %d ", wide, v.Device, v.Version)
		if v.Version == 0 { // in a plan
			head = fmt.Sprintf("  %-*s  yet to be made", wide, v.Device)
		}
		lines = append(lines, hang(head, madeOf(v.Detail))...)
		for _, k := range [][2]string{{"it ends ", v.Ends}, {"", v.Withdrawn}, {"", v.Tag}} {
			if k[1] != "" {
				lines = append(lines, "    "+k[0]+k[1])
			}
		}
	}
	return lines
}

// replacementLines show what is to be taken back, and what to.
func replacementLines(list []replacement) (lines []string) {
	wide := widest(list, func(v replacement) string { return v.Device })
	for n, v := range list {
		if n == 0 || v.Channel != list[n-1].Channel {
			lines = append(lines, v.Channel)
		}
		text := fmt.Sprintf("back to image %d:", v.Good)
		switch {
		case v.AlreadyHigher > 0:
			text = fmt.Sprintf("image %d is above it already: nothing is published", v.AlreadyHigher)
		case v.NoGood != "":
			text = v.NoGood
		}
		lines = append(lines, fmt.Sprintf("  %-*s  image %d is faulty; %s", wide, v.Device, v.Version, text))
		if v.AlreadyHigher == 0 && v.NoGood == "" {
			lines = append(lines, hang(strings.Repeat(" ", wide+3), madeOf(v.Detail))...)
		}
	}
	return lines
}

// namedLines show images by their channels.
func namedLines(list []NamedImage) (lines []string) {
	var words []string
	for n, t := range list {
		if n == 0 || t.Channel != list[n-1].Channel {
			lines = append(lines, t.Channel)
		}
		words = append(words, fmt.Sprintf("%s image %d", t.Device, t.Version))
		if n == len(list)-1 || list[n+1].Channel != t.Channel {
			lines, words = append(lines, hang(" ", words)...), nil
		}
	}
	return lines
}

// share is a percentage with the part of the devices that it is.
func share(p phasing.Percent) string {
	if p == 100 {
		return "100%, which is everybody"
	}
	return fmt.Sprintf("%v, which is %.2f %% of the devices", p, 100*p.Share())
}

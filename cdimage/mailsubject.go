package cdimage

import (
	"regexp"
	"strconv"
	"strings"
)

// A Mail is what the subject of one of the image builder's mails says. The
// mail's body is the log: a livefs log when Arch is set, a cd-build-log
// otherwise. No mail is sent when all live file systems failed.
type Mail struct {
	ImageSet                 // Type is empty for a livefs mail
	Arch             string  // of a livefs mail
	ID               BuildID // of a livefs mail the plain day, without the number
	By               string  // who ran it through sudo
	FailedToDownload bool
}

var (
	livefsSubject = regexp.MustCompile(`^LiveFS (\S+)/(\S+)/([^/\s]+) failed to (build|download) on (\d{8})$`)
	imageSubject  = regexp.MustCompile(`^CD image (\S+)/(\S+)/([^/\s]+) failed to build on (\S+)$`)
	builtBy       = regexp.MustCompile(`^\(built by ([^)]*)\) `)
)

// ParseSubject reads the subject of a mail of the image builder.
func ParseSubject(subject string) (Mail, error) {
	var m Mail
	s := strings.TrimSpace(subject)
	s = strings.TrimSpace(strings.TrimPrefix(s, "Subject:"))
	if by := builtBy.FindStringSubmatch(s); by != nil {
		m.By, s = by[1], s[len(by[0]):]
	}
	var err error
	if f := livefsSubject.FindStringSubmatch(s); f != nil {
		m.Project, m.Series, m.Arch, m.FailedToDownload = f[1], f[2], f[3], f[4] == "download"
		m.ID, err = ParseBuildID(f[5])
	} else if f := imageSubject.FindStringSubmatch(s); f != nil {
		m.Project, m.Series, m.Type = f[1], f[2], f[3]
		m.ID, err = ParseBuildID(f[4])
	} else {
		err = &Error{Op: "parse subject", What: strconv.Quote(subject), Kind: ErrFormat, Hint: "it should begin with LiveFS or CD image"}
	}
	if err == nil && strings.Contains(m.Project, "/") { // the series of another distribution has two levels
		project, distribution, _ := strings.Cut(m.Project, "/")
		m.Project, m.Series = project, distribution+"/"+m.Series
	}
	return m, err
}

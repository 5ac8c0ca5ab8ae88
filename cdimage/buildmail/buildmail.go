// Package buildmail reads the mails that the image builder (cdimage) sends when a build
// failed: [ParseSubject] makes a [Subject] of a subject, which says what the build was of
// and which kind of log the body is.
//
//	situation                                   error
//	the subject is not one of the builder's     cdimage.ErrFormat
//	it has something else in place of an ID     cdimage.ErrFormat
package buildmail

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/landingteam/landing/cdimage"
)

// A Subject is what the subject of one of the image builder's mails says. The
// mail's body is the log: a livefs log when Arch is set, a cd-build-log
// otherwise. No mail is sent when all live file systems failed.
type Subject struct {
	cdimage.ImageSet                 // Type is empty for a livefs mail
	Arch             string          // of a livefs mail
	ID               cdimage.BuildID // of a livefs mail the plain day, without the number
	By               string          // who ran it through sudo
	FailedToDownload bool
}

var (
	livefsSubject = regexp.MustCompile(`^LiveFS (\S+)/(\S+)/([^/\s]+) failed to (build|download) on (\d{8})$`)
	imageSubject  = regexp.MustCompile(`^CD image (\S+)/(\S+)/([^/\s]+) failed to build on (\S+)$`)
	builtBy       = regexp.MustCompile(`^\(built by ([^)]*)\) `)
)

// ParseSubject reads the subject of a mail of the image builder.
func ParseSubject(subject string) (Subject, error) {
	var m Subject
	s := strings.TrimSpace(subject)
	s = strings.TrimSpace(strings.TrimPrefix(s, "Subject:"))
	if by := builtBy.FindStringSubmatch(s); by != nil {
		m.By, s = by[1], s[len(by[0]):]
	}
	var err error
	if f := livefsSubject.FindStringSubmatch(s); f != nil {
		m.Project, m.Series, m.Arch, m.FailedToDownload = f[1], f[2], f[3], f[4] == "download"
		m.ID, err = cdimage.ParseBuildID(f[5])
	} else if f := imageSubject.FindStringSubmatch(s); f != nil {
		m.Project, m.Series, m.Type = f[1], f[2], f[3]
		m.ID, err = cdimage.ParseBuildID(f[4])
	} else {
		err = &cdimage.Error{Op: "parse subject", What: strconv.Quote(subject), Kind: cdimage.ErrFormat, Hint: "it should begin with LiveFS or CD image"}
	}
	if err == nil && strings.Contains(m.Project, "/") { // the series of another distribution has two levels
		project, distribution, _ := strings.Cut(m.Project, "/")
		m.Project, m.Series = project, distribution+"/"+m.Series
	}
	return m, err
}

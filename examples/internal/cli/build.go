package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/builder"
)

// Build are the flags that name a build of an image.
type Build struct {
	set cdimage.ImageSet
	id  string
}

// Register adds the flags.
func (b *Build) Register(fs *flag.FlagSet) {
	fs.StringVar(&b.set.Project, "project", "", "`PROJECT` of the build, such as ubuntu-touch (default: the site file's)")
	fs.StringVar(&b.set.Series, "series", "", "`SERIES`, such as vivid or ubuntu-rtm/14.09 (default: the site file's)")
	fs.StringVar(&b.set.Type, "type", "", "image `TYPE` (default: the site file's, or daily-preinstalled)")
	fs.StringVar(&b.set.Subtree, "subtree", "", "`FOLDER` above the project, which few projects have")
	fs.StringVar(&b.id, "id", "", "`ID` of the build, such as 20160906.1 (default: the newest)")
}

// Given reports whether any of the flags was given.
func (b *Build) Given() bool { return *b != Build{} }

// Named is the build as far as the flags name it.
func (b *Build) Named() (cdimage.Build, error) {
	build := cdimage.Build{ImageSet: b.set}
	if b.id == "" {
		return build, nil
	}
	var err error
	build.ID, err = cdimage.ParseBuildID(b.id)
	return build, err
}

// Resolve fills in what the site file says; on the lab, the builds that failed
// there. Without an ID it is the newest build.
func (b *Build) Resolve(w *World) (cdimage.Build, error) {
	build, err := b.Named()
	if err != nil {
		return build, err
	}
	def := w.images
	build.Project = cmp.Or(build.Project, def.Project)
	build.Series = cmp.Or(build.Series, def.Series)
	build.Type = cmp.Or(build.Type, def.Type, "daily-preinstalled")
	if build.Project == "" || build.Series == "" {
		return build, errors.New("which image: -project and -series, or project and series in section [cdimage] of the site file")
	}
	if err := (builder.Request{ImageSet: build.ImageSet}).Validate(); err != nil {
		return build, fmt.Errorf("which image: %w", err)
	}
	return build, nil
}

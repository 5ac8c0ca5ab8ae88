package cli

import (
	"context"

	"github.com/landingteam/landing/runbook/command"
)

// A JobHost is a host of the world, with what is left there of long commands.
type JobHost struct {
	Section string // of the site file: "image-server", "cdimage"
	Jobs    interface {
		Jobs(ctx context.Context) ([]command.Job, error)
		Reap(ctx context.Context, name string) error
	}
}

// JobHosts are the hosts of the lab, or those that the site file names.
func (w *World) JobHosts() (hosts []JobHost) {
	if w.lab != nil {
		h := JobHost{Section: "image-server"}
		h.Jobs = w.lab.Host()
		return []JobHost{h}
	}
	for _, h := range []struct {
		section string
		host    Host
	}{{"image-server", w.site.ImageServer.Host}, {"cdimage", w.site.ImageBuilder.Host}} {
		if h.host.SSH != "" {
			hosts = append(hosts, JobHost{Section: h.section, Jobs: w.dial(h.host)})
		}
	}
	return hosts
}

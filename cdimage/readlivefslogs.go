package cdimage

import (
	"context"
	"errors"
	"io"
	"io/fs"
)

// LivefsLogs opens the log of one livefs build; *launchpad.Client does. The
// address is that of the build in Launchpad, as a cd-build-log has it: the web
// page or, of a reused build, the API address. The error is [fs.ErrNotExist] when
// Launchpad has no log of the build. What is read may be compressed.
type LivefsLogs interface {
	LivefsLog(ctx context.Context, address string) (io.ReadCloser, error)
}

// ReadLivefsLogs reads the logs of those live file systems of a run that
// failed and whose log says more than Launchpad's state. A log that cannot be
// read is in the map with the reason in Incomplete.
func (rs *Rules) ReadLivefsLogs(ctx context.Context, log *BuildLog, from LivefsLogs) map[string]*LivefsLog {
	logs := map[string]*LivefsLog{}
	if from == nil {
		return logs
	}
	for _, c := range log.Causes {
		a := log.Arches.find(c.Scope)
		if a == nil || c.Needs != needsLivefsLog || a.Link == "" && a.Reused == "" {
			continue
		}
		address := a.Link
		if address == "" {
			address = a.Reused
		}
		r, err := from.LivefsLog(ctx, address)
		if err != nil {
			logs[a.Label] = &LivefsLog{Incomplete: err.Error(), Missing: errors.Is(err, fs.ErrNotExist)}
			continue
		}
		logs[a.Label], _ = rs.ParseLivefsLog(r) // an error is in Incomplete
		r.Close()
	}
	return logs
}

package remote

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

// A listed job is its status and the identity of its start.
type listed struct {
	command.Job
	id string
}

// Jobs lists the jobs on the host by name: those that run, and those whose
// result nobody has fetched yet.
func (h *Host) Jobs(ctx context.Context) ([]command.Job, error) {
	all, err := h.list(ctx, "")
	var jobs []command.Job
	for _, l := range all {
		jobs = append(jobs, l.Job)
	}
	return jobs, err
}

// Reap removes a job that ended, and with it its result, which nobody will fetch
// any more: that of a run that is given up. A running one is [ErrJobRunning];
// none of this name is [ErrNotExist].
func (h *Host) Reap(ctx context.Context, name string) error {
	if err := checkJobName(name); err != nil {
		return err
	}
	if h.ReadOnly {
		return h.fail("job "+name, ErrReadOnly, "the host is used read-only; the job is not removed", nil)
	}
	all, err := h.list(ctx, name)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return h.fail("job "+name, ErrNotExist, "there is no such job on the host: it was never started, or its result was fetched", nil)
	}
	j := job{name: name, h: h, id: all[0].id}
	return j.reap(ctx)
}

// list asks for all jobs, or for the one of this name.
func (h *Host) list(ctx context.Context, name string) ([]listed, error) {
	op := "list jobs"
	if name != "" {
		op = "job " + name
	}
	var data bytes.Buffer
	var cut bool
	verdict, err := h.script(ctx, op, jobScript+listScript, []string{h.JobDir, name, ""}, nil, func(p []byte) {
		if int64(data.Len()+len(p)) > h.maxOutput() {
			cut = true
			return
		}
		data.Write(p)
	}, nil)
	if err != nil {
		return nil, err
	}
	if verdict != "list" || cut {
		return nil, h.fail(op, ErrTooLarge, "the list of jobs is longer than Host.MaxOutput; reap some", nil)
	}
	jobs, err := parseList(data.Bytes())
	if err != nil {
		return nil, h.fail(op, ErrRefused, "the host's list of jobs cannot be read", err)
	}
	return jobs, nil
}

// parseList reads what list.sh prints: a line "name id started size state
// [rest]", then size bytes of argv and a newline, for each job.
func parseList(data []byte) ([]listed, error) {
	var jobs []listed
	for at := 0; at < len(data); {
		line, _, ok := bytes.Cut(data[at:], []byte("\n"))
		f := strings.SplitN(string(line), " ", 6)
		if !ok || len(f) < 5 {
			return nil, fmt.Errorf("byte %d: no job line but %q", at, clip(line))
		}
		body := data[at+len(line)+1:]
		size, err := strconv.Atoi(f[3])
		if err != nil || size < 0 || size >= len(body) || body[size] != '\n' {
			return nil, fmt.Errorf("byte %d: the argv of job %q is not %q bytes long", at, f[0], f[3])
		}
		l := listed{command.Job{Name: f[0], Command: string(body[:size]), State: command.JobState(f[4])}, f[1]}
		if f[2] != "-" {
			if l.Started, err = time.Parse(time.RFC3339, f[2]); err != nil {
				return nil, fmt.Errorf("byte %d: job %q: %w", at, f[0], err)
			}
		}
		rest := strings.Join(f[5:], "")
		switch l.State {
		case command.JobRunning:
		case "starting":
			l.State = command.JobRunning
		case command.JobFinished:
			if l.Exit, err = strconv.Atoi(rest); err != nil {
				return nil, fmt.Errorf("byte %d: job %q: exit status %q", at, f[0], rest)
			}
		case command.JobLost:
			l.Reason = rest
		default:
			return nil, fmt.Errorf("byte %d: job %q: state %q is not known", at, f[0], f[4])
		}
		if checkJobName(l.Name) == nil { // else a folder that is none of ours
			jobs = append(jobs, l)
		}
		at += len(line) + 1 + size + 1
	}
	return jobs, nil
}

// clip shortens what an error quotes.
func clip(b []byte) []byte { return b[:min(len(b), 80)] }

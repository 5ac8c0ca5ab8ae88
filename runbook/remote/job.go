package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

// A State is what became of a job.
type State string

// The states of a job.
const (
	Running  State = "running"
	Finished State = "finished" // its exit status is on record
	Lost     State = "lost"     // ended without one: the host was restarted, or somebody killed it
)

// A JobStatus describes a job on the host.
type JobStatus struct {
	Name    string
	Command string // its argv, quoted as for a shell
	State   State
	Exit    int       // exit status of a finished job
	Reason  string    // why a lost job counts as lost
	Started time.Time // by the host's clock, whole seconds, UTC
}

// A Job is a command that was started detached: it survives the loss of the
// link, the end of the SSH session and that of our process. On the host it is a
// folder, JobDir/name, with the argv, the two growing logs stdout and stderr,
// and at the end the exit status. The folder stays until Reap.
type Job struct {
	Name string
	h    *Host
	id   string // of this start of the name, so that a later one is not taken for it
}

// Start starts c detached under the name c.Job, exactly once: when a job of this
// name exists, running or finished, it is attached to, also when two processes
// start it at the same moment. If the other one has a different argv, the error
// is [ErrJobDifferent]. The standard input is sent in full before the program
// starts. A link lost meanwhile is dialled anew and the question asked again.
func (h *Host) Start(ctx context.Context, c command.Command) (*Job, error) {
	op := "job " + c.Job
	if err := checkJobName(c.Job); err != nil {
		return nil, err
	}
	if h.ReadOnly {
		return nil, h.fail(op, ErrReadOnly, "the host is used read-only; no job is started", nil)
	}
	text, err := quote(c.Argv)
	if err != nil {
		return nil, err
	}
	j := &Job{Name: c.Job, h: h, id: rand.Text()}
	args := append([]string{strconv.Itoa(len(c.Stdin)), text}, c.Argv...)
	var verdict string
	var recorded bytes.Buffer
	err = h.overLosses(ctx, op, false, func() error {
		recorded.Reset()
		verdict, err = j.script(ctx, startScript, c.Stdin, func(p []byte) { recorded.Write(p) }, nil, args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	word, rest, _ := strings.Cut(verdict, " ")
	switch word {
	case "started", "attached":
		h.log(ctx, "job "+word, "command", c.String())
		j.id = rest
		return j, nil
	case "different":
		return nil, h.fail(op, ErrJobDifferent, fmt.Sprintf("a job of this name exists with another command: %s; ours is %s. Choose another name, or fetch and reap that one first", strings.TrimSpace(recorded.String()), text), nil)
	}
	return nil, j.unexpected(verdict)
}

// Attach returns the job of this name, whatever its state; if there is none,
// the error is [ErrNotExist].
func (h *Host) Attach(ctx context.Context, name string) (*Job, error) {
	if err := checkJobName(name); err != nil {
		return nil, err
	}
	all, err := h.list(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, h.fail("job "+name, ErrNotExist, "there is no such job on the host: it was never started, or its result was fetched already", nil)
	}
	return &Job{Name: name, h: h, id: all[0].id}, nil
}

// Jobs lists the jobs on the host by name.
func (h *Host) Jobs(ctx context.Context) ([]JobStatus, error) {
	all, err := h.list(ctx, "")
	var jobs []JobStatus
	for _, l := range all {
		jobs = append(jobs, l.JobStatus)
	}
	return jobs, err
}

// Status asks for the state of the job.
func (j *Job) Status(ctx context.Context) (JobStatus, error) {
	all, err := j.h.list(ctx, j.Name)
	switch {
	case err != nil:
		return JobStatus{}, err
	case len(all) == 0:
		return JobStatus{}, j.gone("none")
	case all[0].id != j.id:
		return JobStatus{}, j.gone("other")
	}
	return all[0].JobStatus, nil
}

// Wait watches the job to its end and returns what it left; the folder stays.
// New output is given to progress, if not nil, as it comes: first what stdout
// has, then stderr. progress is never called twice at once and must return
// soon. A lost link is dialled anew for Reconnect at most, and reading goes on
// where it stopped. When ctx ends the job goes on. A job that ended without a
// status is [ErrJobLost]; the output is then what it had written.
func (j *Job) Wait(ctx context.Context, progress func(newOutput []byte)) (command.Output, error) {
	var mu sync.Mutex
	stdout, stderr := &buffer{max: j.h.maxOutput()}, &buffer{max: j.h.maxOutput()}
	next := [2]int64{1, 1}
	last := [2][]byte{}
	take := func(i int, b *buffer) func([]byte) {
		return func(p []byte) {
			mu.Lock()
			defer mu.Unlock()
			b.Write(p)
			next[i] += int64(len(p))
			last[i] = append(last[i], p...)
			last[i] = last[i][max(0, len(last[i])-lostLog):]
			if progress != nil {
				progress(p)
			}
		}
	}
	output := func(exit int) command.Output {
		return command.Output{Stdout: stdout.data, Stderr: stderr.data, Exit: exit, Truncated: stdout.cut || stderr.cut}
	}
	const slowest = 2 * time.Second
	for pause := 20 * time.Millisecond; ; pause = min(pause*3/2, slowest) {
		var verdict string
		before := next
		err := j.h.overLosses(ctx, j.op(), true, func() (err error) {
			mu.Lock()
			from := next
			mu.Unlock()
			verdict, err = j.script(ctx, watchScript, nil, take(0, stdout), take(1, stderr),
				strconv.FormatInt(from[0], 10), strconv.FormatInt(from[1], 10))
			return err
		})
		if err != nil {
			if ctx.Err() != nil {
				err = j.h.fail(j.op(), nil, "no longer watched; it goes on: attach to it by its name", context.Cause(ctx))
			}
			return output(0), err
		}
		if next != before {
			pause = 20 * time.Millisecond
		}
		word, rest, _ := strings.Cut(verdict, " ")
		switch State(word) {
		case Running:
		case Finished:
			exit, err := strconv.Atoi(rest)
			if err != nil {
				return output(0), j.unexpected(verdict)
			}
			return output(exit), nil
		case Lost:
			log := cmp.Or(string(last[1]), string(last[0]))
			return output(0), j.h.fail(j.op(), ErrJobLost, fmt.Sprintf("it ended without an exit status: %s; nothing more is known about its effect: look, then Reap it before starting it again", rest), noise(log))
		default:
			return output(0), j.gone(word)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return output(0), j.h.fail(j.op(), nil, "no longer watched; it goes on: attach to it by its name", context.Cause(ctx))
		}
	}
}

// lostLog is how much of its log the error of a lost job quotes.
const lostLog = 500

// Stop asks a running job to end (SIGTERM to all its processes; without setsid
// on the host, to its program alone). Wait tells how it ended. To stop a job
// that ended is no error.
func (j *Job) Stop(ctx context.Context) error { return j.signal(ctx, "TERM") }

// Kill ends a running job (SIGKILL); its exit status is 137 then.
func (j *Job) Kill(ctx context.Context) error { return j.signal(ctx, "KILL") }

func (j *Job) signal(ctx context.Context, name string) error {
	if j.h.ReadOnly {
		return j.h.fail(j.op(), ErrReadOnly, "the host is used read-only; the job is not stopped", nil)
	}
	var verdict string
	err := j.h.overLosses(ctx, j.op(), true, func() (err error) {
		verdict, err = j.script(ctx, stopScript, nil, nil, nil, name)
		return err
	})
	if err != nil {
		return err
	}
	switch word, _, _ := strings.Cut(verdict, " "); word {
	case "sent", string(Finished), string(Lost):
		return nil
	}
	return j.gone(verdict)
}

// Reap removes the folder of a job that ended, and with it its result; the name
// is free again. A running job is an error, a job that is gone is not.
func (j *Job) Reap(ctx context.Context) error {
	if j.h.ReadOnly {
		return j.h.fail(j.op(), ErrReadOnly, "the host is used read-only; the job is not removed", nil)
	}
	var verdict string
	err := j.h.overLosses(ctx, j.op(), true, func() (err error) {
		verdict, err = j.script(ctx, reapScript, nil, nil, nil)
		return err
	})
	switch {
	case err != nil:
		return err
	case verdict == "running":
		return j.h.fail(j.op(), ErrJobRunning, "it still runs; Wait for it, or Stop it, before it is reaped", nil)
	case verdict == "reaped", verdict == "none", verdict == "other":
		return nil
	}
	return j.unexpected(verdict)
}

// runJob is Run for a command with a name: start or attach, watch, reap. The
// folder is removed only when the result is here in full, so that a crash
// before just fetches it again.
func (h *Host) runJob(ctx context.Context, c command.Command) (command.Output, error) {
	j, err := h.Start(ctx, c)
	if err != nil {
		return command.Output{}, err
	}
	out, err := j.Wait(ctx, nil)
	if err != nil {
		return out, err
	}
	return out, j.Reap(ctx)
}

func (j *Job) op() string { return "job " + j.Name }

func (j *Job) script(ctx context.Context, text string, stdin []byte, stdout, stderr func([]byte), args ...string) (string, error) {
	return j.h.script(ctx, j.op(), jobScript+text, append([]string{j.h.JobDir, j.Name, j.id}, args...), stdin, stdout, stderr)
}

// gone explains that the folder is not that of our job any more.
func (j *Job) gone(word string) error {
	switch word {
	case "none":
		return j.h.fail(j.op(), ErrNotExist, "its folder is gone from the host: someone else fetched its result, or removed it", nil)
	case "other":
		return j.h.fail(j.op(), ErrJobDifferent, "its folder now holds a later job of the same name: someone else fetched its result and started it again", nil)
	}
	return j.unexpected(word)
}

func (j *Job) unexpected(verdict string) error {
	if why, ok := strings.CutPrefix(verdict, "failed "); ok {
		return j.h.fail(j.op(), ErrRefused, why+"; check Host.JobDir, its permissions and the space on its disk", nil)
	}
	return j.h.fail(j.op(), ErrRefused, fmt.Sprintf("the host gave the answer %q, which means nothing", verdict), nil)
}

const jobLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// checkJobName accepts what is one harmless path element everywhere.
func checkJobName(name string) error {
	ok := name != "" && len(name) <= 100 && name[0] != '.' && name[0] != '-'
	for _, r := range name {
		ok = ok && strings.ContainsRune(jobLetters, r)
	}
	if !ok {
		return invalid("job", fmt.Sprintf("%q is no name for a job: 1 to 100 letters, digits, '.', '_' and '-', the first one no '.' or '-'", name))
	}
	return nil
}

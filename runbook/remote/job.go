package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/landingteam/landing/runbook/command"
)

// A job is a command that was started detached: it survives the loss of the
// link, the end of the SSH session and that of our process. On the host it is a
// folder, JobDir/name, with the argv, the two growing logs stdout and stderr,
// and at the end the exit status. The folder stays until the result is fetched,
// or for a month.
type job struct {
	name string
	h    *Host
	id   string // of this start of the name, so that a later one is not taken for it
	lost bool   // it was lost before we asked for it
}

// start starts c detached under the name c.Job, exactly once: when a job of this
// name exists, running or ended, it is attached to, also when two processes
// start it at the same moment. One that was never begun, or that ran another
// argv and has ended, is cleared away; while that runs, the error is
// [ErrJobDifferent]. The standard input is sent in full before the program
// starts. A link lost meanwhile is dialled anew and the question asked again.
func (h *Host) start(ctx context.Context, c command.Command) (*job, error) {
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
	j := &job{name: c.Job, h: h, id: rand.Text()}
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
		found, state, _ := strings.Cut(rest, " ")
		j.lost = found != j.id && strings.HasPrefix(state, string(command.JobLost))
		j.id = found
		return j, nil
	case "different":
		return nil, h.fail(op, ErrJobDifferent, fmt.Sprintf("a job of this name runs another command, as process %s: %s; ours is %s. Wait until it has ended, or end it there", rest, strings.TrimSpace(recorded.String()), text), nil)
	}
	return nil, j.unexpected(verdict)
}

// wait watches the job to its end and returns what it left; the folder stays. A
// lost link is dialled anew for Reconnect at most, and reading goes on where it
// stopped. When ctx ends the job goes on. A job that ended without a status is a
// [command.LostJob]; the output is then what it had written. Lines of the standard
// output are told as they come, from the first one on also of a job that is attached to.
func (j *job) wait(ctx context.Context, tell func(line string)) (command.Output, error) {
	var mu sync.Mutex
	stdout, stderr := &buffer{max: j.h.maxOutput()}, &buffer{max: j.h.maxOutput()}
	said := byLine(stdout, tell)
	next := [2]int64{1, 1}
	last := [2][]byte{}
	take := func(i int, w io.Writer) func([]byte) {
		return func(p []byte) {
			mu.Lock()
			defer mu.Unlock()
			w.Write(p)
			next[i] += int64(len(p))
			last[i] = append(last[i], p...)
			last[i] = last[i][max(0, len(last[i])-lostLog):]
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
			verdict, err = j.script(ctx, watchScript, nil, take(0, said), take(1, stderr),
				strconv.FormatInt(from[0], 10), strconv.FormatInt(from[1], 10))
			return err
		})
		if err != nil {
			if ctx.Err() != nil {
				err = j.h.fail(j.op(), nil, "no longer watched; it goes on: run it again under its name to attach to it", context.Cause(ctx))
			}
			return output(0), err
		}
		if next != before {
			pause = 20 * time.Millisecond
		}
		word, rest, _ := strings.Cut(verdict, " ")
		switch command.JobState(word) {
		case command.JobRunning:
		case command.JobFinished:
			exit, err := strconv.Atoi(rest)
			if err != nil {
				return output(0), j.unexpected(verdict)
			}
			return output(exit), nil
		case command.JobLost:
			log := strings.TrimSpace(cmp.Or(string(last[1]), string(last[0])))
			return output(0), j.h.fail(j.op(), nil, "", &command.LostJob{Name: j.name, Reason: rest, Before: j.lost, Log: log})
		default:
			return output(0), j.gone(word)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return output(0), j.h.fail(j.op(), nil, "no longer watched; it goes on: run it again under its name to attach to it", context.Cause(ctx))
		}
	}
}

// lostLog is how much of its log the error of a lost job quotes.
const lostLog = 500

// reap removes the folder of a job that ended, and with it its result; the name
// is free again. A running job is an error, a job that is gone is not.
func (j *job) reap(ctx context.Context) error {
	var verdict string
	err := j.h.overLosses(ctx, j.op(), true, func() (err error) {
		verdict, err = j.script(ctx, reapScript, nil, nil, nil)
		return err
	})
	switch {
	case err != nil:
		return err
	case verdict == "running":
		return j.h.fail(j.op(), ErrJobRunning, "it still runs: wait until it has ended", nil)
	case verdict == "reaped", verdict == "none", verdict == "other":
		return nil
	}
	return j.unexpected(verdict)
}

// runJob is Run for a command with a name: start or attach, watch, reap. The
// folder is removed only when the result is here in full, so that a crash
// before just fetches it again, and not at all when it is to be kept.
func (h *Host) runJob(ctx context.Context, c command.Command) (command.Output, error) {
	start := h.start
	switch {
	case c.Attach:
		start = h.attach
	case c.Keep && !c.Begun:
		start = h.startAnew
	}
	j, err := start(ctx, c)
	if err != nil {
		return command.Output{}, err
	}
	out, err := j.wait(ctx, c.Line)
	over := err == nil || errors.Is(err, command.ErrJobLost)
	switch {
	case c.Attach && errors.Is(err, ErrNotExist): // claimed and never begun
		return command.Output{}, errors.Join(h.fail(j.op(), nil, "", command.ErrNoJob), j.reap(ctx))
	case !over, c.Keep:
		return out, err
	}
	return out, errors.Join(err, j.reap(ctx))
}

// attach finds the job of a name.
func (h *Host) attach(ctx context.Context, c command.Command) (*job, error) {
	j, found, err := h.find(ctx, c.Job)
	if err == nil && !found {
		err = h.fail("job "+c.Job, nil, "", command.ErrNoJob)
	}
	return j, err
}

// startAnew starts a job whose name may be that of a kept one, which goes first.
func (h *Host) startAnew(ctx context.Context, c command.Command) (*job, error) {
	j, found, err := h.find(ctx, c.Job)
	if err == nil && found && !h.ReadOnly {
		if err = j.reap(ctx); errors.Is(err, ErrJobRunning) {
			err = nil // it is attached to
		}
	}
	if err != nil {
		return nil, err
	}
	return h.start(ctx, c)
}

// find looks for the job of a name.
func (h *Host) find(ctx context.Context, name string) (j *job, found bool, err error) {
	if err := checkJobName(name); err != nil {
		return nil, false, err
	}
	var all []listed
	err = h.overLosses(ctx, "job "+name, false, func() (err error) {
		all, err = h.list(ctx, name)
		return err
	})
	if err != nil || len(all) == 0 {
		return nil, false, err
	}
	return &job{name: name, h: h, id: all[0].id, lost: all[0].State == command.JobLost}, true, nil
}

func (j *job) op() string { return "job " + j.name }

func (j *job) script(ctx context.Context, text string, stdin []byte, stdout, stderr func([]byte), args ...string) (string, error) {
	return j.h.script(ctx, j.op(), jobScript+text, append([]string{j.h.JobDir, j.name, j.id}, args...), stdin, stdout, stderr)
}

// gone explains that the folder is not that of our job any more.
func (j *job) gone(word string) error {
	switch word {
	case "none":
		return j.h.fail(j.op(), ErrNotExist, "its folder is gone from the host: someone else fetched its result, or removed it", nil)
	case "other":
		return j.h.fail(j.op(), ErrJobDifferent, "its folder now holds a later job of the same name: someone else fetched its result and started it again", nil)
	}
	return j.unexpected(word)
}

func (j *job) unexpected(verdict string) error {
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

package command

import (
	"errors"
	"fmt"
	"time"
)

// A JobState is what became of a job.
type JobState string

// The states of a job.
const (
	JobRunning  JobState = "running"
	JobFinished JobState = "finished" // its exit status is on record, its result waits to be fetched
	JobLost     JobState = "lost"     // ended without one: the host was restarted, or somebody killed it
)

// A Job describes a job on a host, where it stays until its result is fetched.
type Job struct {
	Name    string
	Command string // its argv, quoted as for a shell
	State   JobState
	Exit    int       // exit status of a finished job
	Reason  string    // why a lost job counts as lost
	Started time.Time // by the host's clock, whole seconds, UTC
}

// ErrNoJob is a job that is not on the host: see [Command.Attach]. It was never started
// there, or its result was fetched and not kept.
var ErrNoJob = errors.New("no such job on the host")

// ErrJobLost is a job that ended and left no exit status: see [LostJob].
var ErrJobLost = errors.New("job lost")

// A LostJob is the error of a job that ended without an exit status. Unlike one
// whose end was not seen, it is over: what it has not done by now, it will not
// do. A runner says so once, and the name of the job is free then: after a look
// at the world, the command may be run again.
type LostJob struct {
	Name   string
	Reason string // "the host was restarted"
	Before bool   // it was lost before this call, which has started nothing
	Log    string // the end of what it wrote
}

func (e *LostJob) Error() string {
	text := "it ended without an exit status: " + e.Reason + "; it does nothing more, so look what it has done, and run it again if that is missing"
	if e.Log != "" {
		text += fmt.Sprintf("; it said %q", e.Log)
	}
	return text
}

// Is makes errors.Is(err, ErrJobLost) true.
func (e *LostJob) Is(target error) bool { return target == ErrJobLost }

// InDoubt is true: what it has done, nobody knows without a look.
func (e *LostJob) InDoubt() bool { return true }

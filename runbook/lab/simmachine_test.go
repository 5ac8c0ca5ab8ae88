package lab_test

import (
	"context"
	"errors"
	"sync"

	"github.com/landingteam/landing/runbook/command"
)

// A machine is a host on which commands run. A command with a name is a job, as of
// package remote: its result stays there until it is fetched, and whoever asks for
// it under that name gets it instead of another run.
type machine struct {
	do func(context.Context, command.Command) (command.Output, error)

	mu   sync.Mutex
	jobs map[string]*job // that were not fetched
}

type job struct {
	ended chan struct{}
	out   command.Output
	err   error
	lost  bool // it ended without a status
}

func newMachine(do func(context.Context, command.Command) (command.Output, error)) *machine {
	return &machine{do: do, jobs: map[string]*job{}}
}

// run runs a command to its end, or fetches the result of its job.
func (m *machine) run(ctx context.Context, c command.Command) (command.Output, error) {
	if c.Job == "" {
		return m.do(ctx, c)
	}
	j, mine := m.find(c.Job), false
	switch {
	case c.Attach && j == nil:
		return command.Output{}, command.ErrNoJob
	case c.Attach:
	case c.Keep && !c.Begun && j != nil && j.over():
		m.fetched(c.Job)
		j, mine = m.start(c)
	default:
		j, mine = m.start(c)
	}
	select {
	case <-j.ended:
	case <-ctx.Done():
		return command.Output{}, context.Cause(ctx)
	}
	if !c.Keep {
		m.fetched(c.Job)
	}
	if j.lost {
		return j.out, &command.LostJob{Name: c.Job, Reason: "the host was restarted", Before: !mine}
	}
	return j.out, j.err
}

func (m *machine) find(name string) *job {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.jobs[name]
}

func (j *job) over() bool {
	select {
	case <-j.ended:
		return true
	default:
		return false
	}
}

// start starts a job, or attaches to it. It goes on whatever becomes of its caller.
func (m *machine) start(c command.Command) (j *job, mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.jobs[c.Job]; j != nil {
		return j, false
	}
	j = &job{ended: make(chan struct{})}
	m.jobs[c.Job] = j
	go func() {
		defer close(j.ended)
		j.out, j.err = m.do(context.Background(), c)
	}()
	return j, true
}

func (m *machine) fetched(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.jobs, name)
}

// lose lets a job end that never did a thing.
func (m *machine) lose(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j := &job{ended: make(chan struct{}), lost: true}
	close(j.ended)
	m.jobs[name] = j
}

// restart restarts the host while a job runs whose program dies: it ends without a
// status.
func (m *machine) restart(c command.Command) {
	if c.Attach {
		return
	}
	j, _ := m.start(c)
	<-j.ended
	m.mu.Lock()
	defer m.mu.Unlock()
	j.lost = true
}

// finish runs a command to its end without anybody who sees its result: that of a
// job stays.
func (m *machine) finish(c command.Command) {
	if c.Job == "" {
		_, _ = m.do(context.Background(), c)
	} else if !c.Attach {
		j, _ := m.start(c)
		<-j.ended
	}
}

var errGone = errors.New("its folder is gone from the host: someone else fetched its result, or removed it")

package launchpad

import (
	"context"
	"sync"
)

// crew runs tasks, a few at a time and in the order they were given. A task
// may give more. The first error cancels the others.
type crew struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex
	idle  int
	queue []func(context.Context) error
	err   error
}

func (c *Client) crew(ctx context.Context) *crew {
	w := &crew{idle: c.Parallel}
	if w.idle <= 0 {
		w.idle = 4
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w
}

// give adds tasks to the queue.
func (w *crew) give(tasks ...func(context.Context) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, tasks...)
	for w.idle > 0 && len(w.queue) > 0 {
		w.idle--
		task := w.queue[0]
		w.queue = w.queue[1:]
		w.wg.Go(func() { w.work(task) })
	}
}

// work runs task, and then whatever waits.
func (w *crew) work(task func(context.Context) error) {
	for task != nil {
		err := w.ctx.Err()
		if err == nil {
			err = task(w.ctx)
		}
		w.mu.Lock()
		if err != nil && w.err == nil {
			w.err = err
			w.cancel()
		}
		if task = nil; len(w.queue) > 0 {
			task = w.queue[0]
			w.queue = w.queue[1:]
		} else {
			w.idle++
		}
		w.mu.Unlock()
	}
}

// wait returns when all tasks are done, with the first error.
func (w *crew) wait() error {
	w.wg.Wait()
	w.cancel()
	return w.err
}

// together runs tasks and waits for them.
func (c *Client) together(ctx context.Context, tasks ...func(context.Context) error) error {
	w := c.crew(ctx)
	w.give(tasks...)
	return w.wait()
}

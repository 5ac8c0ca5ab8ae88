package remote

import (
	"context"

	"github.com/landingteam/landing/runbook/command"
)

// Start lets tests look at a job before its end.
func (h *Host) Start(ctx context.Context, c command.Command) (*job, error) { return h.start(ctx, c) }

// Wait watches it.
func (j *job) Wait(ctx context.Context) (command.Output, error) { return j.wait(ctx, nil) }

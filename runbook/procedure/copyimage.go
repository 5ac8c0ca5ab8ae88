package procedure

import (
	"context"
	"fmt"

	"github.com/landingteam/landing/runbook"
	"github.com/landingteam/landing/systemimage/operate"
)

// copyImage copies one image and looks it up where it should be then.
func copyImage(ctx context.Context, r *runbook.Run, s *operate.Server, req operate.CopyRequest) (operate.CopyResult, error) {
	req.Job = jobName(r, "copy", req.To, req.Device)
	req.Begun = r.Last("copy") != "" // what is there may be what its killed program left
	tag := "tag " + req.Tag
	if req.KeepTag {
		tag = "its tag kept"
	}
	copied, err := runbook.Do(ctx, r, runbook.Step[operate.CopyResult]{
		Name: "copy",
		Intent: fmt.Sprintf("copy image %d of %s for %s to %s, %s, at %d %%",
			req.Version, req.From, req.Device, req.To, tag, req.Percentage),
		Probe: func(ctx context.Context) (operate.CopyResult, bool, error) {
			return s.CheckCopy(ctx, req)
		},
		Do: func(ctx context.Context) (operate.CopyResult, error) {
			return s.Copy(ctx, req)
		},
		AsksHeld: !req.Begun && s.Held != nil, // else what was begun is brought to its end first
		Predict:  operate.CopyResult{Channel: req.To, Device: req.Device, Tag: req.Tag, Percentage: req.Percentage},
	})
	if err != nil {
		return copied, err
	}
	err = r.Verify(ctx, "published", func(ctx context.Context) error {
		m, err := s.Client.Full(ctx, req.To, req.Device, copied.Version)
		if err != nil {
			return err
		}
		if tag := m.Detail().Tag(); tag != copied.Tag || m.Percentage != req.Percentage {
			return fmt.Errorf("image %d of %s for %s has tag %q and is at %d %%, want %q at %d %%: look at it with imageinfo before anybody tests it",
				copied.Version, req.To, req.Device, tag, m.Percentage, copied.Tag, req.Percentage)
		}
		return nil
	})
	if err != nil || r.Planning() {
		return copied, err
	}
	t := NamedImage{Channel: req.To, Device: req.Device, Version: copied.Version}
	texts := keptDeltas(t, copied.Kept, "a copy")
	for _, base := range copied.Lacks {
		texts = append(texts, withoutDelta(t, base, "the copy was killed before it had made one"))
	}
	return copied, noteAll(r, append(texts, fmt.Sprintf("%s for %s is now image %d, tag %s, at %d %%: image %d of %s",
		req.To, req.Device, copied.Version, copied.Tag, copied.Percentage, req.Version, req.From)))
}

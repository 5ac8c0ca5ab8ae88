package procedure

import (
	"context"

	"github.com/landingteam/landing/cdimage/builder"
	"github.com/landingteam/landing/launchpad"
)

// LivefsBuilds lets a [builder.Builder] ask Launchpad about the live file systems of a
// run; it is its field Livefs.
func LivefsBuilds(c *launchpad.Client) func(ctx context.Context, address string) (builder.LivefsBuild, error) {
	return func(ctx context.Context, address string) (builder.LivefsBuild, error) {
		b, err := c.LivefsBuild(ctx, address)
		if err != nil {
			return builder.LivefsBuild{}, err
		}
		l := builder.LivefsBuild{State: string(b.State), Known: !b.Override.Redacted}
		list, _ := b.Override.Value["extra_ppas"].([]any)
		for _, v := range list {
			name, ok := v.(string)
			l.Known = l.Known && ok
			l.ExtraPPAs = append(l.ExtraPPAs, name)
		}
		return l, nil
	}
}

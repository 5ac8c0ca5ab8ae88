package launchpad

import (
	"context"

	"github.com/landingteam/landing/launchpad/value"
)

// person is one, or a team: its link ends in ~name.
type person struct {
	SelfLink value.Link `json:"self_link"`
	Name     string     `json:"name"`
}

func (p *person) self() value.Link { return p.SelfLink }

// Me is the Launchpad name of whoever the credentials belong to. Without credentials
// it is [ErrPermission], with some that Launchpad does not take any more [ErrToken].
func (c *Client) Me(ctx context.Context) (string, error) {
	l, err := c.link("people/+me")
	if err != nil {
		return "", err
	}
	p, err := read[person](ctx, c, l)
	if err != nil {
		return "", err
	}
	return p.Name, nil
}

package launchpad

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/landingteam/landing/launchpad/value"
)

// params are the parameters of a named operation. Launchpad tries every value
// as JSON first, so that a bare version 1.10 would become 1.1: all values are
// sent as JSON. Only the control parameters (ws.op, ws.size) are bare.
type params struct {
	values url.Values
	err    error
}

func op(name string) *params { return &params{values: url.Values{"ws.op": {name}}} }

// text adds a text, a choice or a link; "" is left out.
func (p *params) text(name, v string) *params {
	if v == "" {
		return p
	}
	return p.json(name, v)
}

// flag adds a boolean; false is the default everywhere it is used.
func (p *params) flag(name string, v bool) *params {
	if !v {
		return p
	}
	return p.json(name, true)
}

// time adds an instant; the zero time is left out.
func (p *params) time(name string, t time.Time) *params {
	if t.IsZero() {
		return p
	}
	return p.json(name, value.Time{Time: t})
}

func (p *params) json(name string, v any) *params {
	if s, ok := v.(string); ok && !utf8.ValidString(s) {
		p.err = fmt.Errorf("parameter %s: %.40q is not UTF-8", name, s)
		return p
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		p.err = fmt.Errorf("parameter %s: %w", name, err)
		return p
	}
	p.values.Set(name, string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))))
	return p
}

// on is the URL of the read operation on an entry.
func (p *params) on(l value.Link) string { return string(l) + "?" + p.values.Encode() }

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

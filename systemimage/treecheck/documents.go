package treecheck

import (
	"errors"

	"github.com/landingteam/landing/systemimage"
)

// unreadableRules judge a document that the client could not read. The first that
// fits names it.
var unreadableRules = []rule[*systemimage.Error]{
	{class: "channels-signature", severity: systemimage.Harmful, final: true, look: refused(func(e *systemimage.Error) bool {
		return errors.Is(e, systemimage.ErrSignature) && e.Device == ""
	}, "every device refuses channels.json: "),
		remedy: "run re-sign-indexes on the server; when the file was not changed by the team, find out by whom first"},
	{class: "index-signature", severity: systemimage.Harmful, final: true, look: refused(func(e *systemimage.Error) bool {
		return errors.Is(e, systemimage.ErrSignature)
	}, "devices refuse the index: "),
		remedy: "run re-sign-indexes on the server; when the index was not changed by the team, find out by whom first"},
	{class: "missing-index", severity: systemimage.Harmful, final: true, look: func(t *tree, e *systemimage.Error) []problem {
		if !errors.Is(e, systemimage.ErrTorn) && !errors.Is(e, systemimage.ErrNotFound) {
			return nil
		}
		return []problem{t.document(e, "channels.json lists an index that is missing: devices get no update, and the next program begins its history again")}
	}, remedy: "move index.json.new into its place if it is there, else restore it, before anything else runs on the server"},
	{class: "older-index", severity: systemimage.Harmful, final: true, look: refused(func(e *systemimage.Error) bool {
		return errors.Is(e, systemimage.ErrReplayed)
	}, "the tree went back in time: "),
		remedy: "find out who put the older one there, or which mirror lags behind; publish again what is newer"},
	{class: "unreadable-index", severity: systemimage.Harmful, look: refused(func(*systemimage.Error) bool { return true }, "the index cannot be read: "),
		remedy: "restore it from a mirror or a backup"},
}

// refused is a rule about errors of one kind, which are quoted behind a text.
func refused(is func(*systemimage.Error) bool, text string) func(*tree, *systemimage.Error) []problem {
	return func(t *tree, e *systemimage.Error) []problem {
		if !is(e) {
			return nil
		}
		why := e.Error()
		if e.Err != nil {
			why = e.Err.Error()
		}
		return []problem{t.document(e, text+why)}
	}
}

func (t *tree) document(e *systemimage.Error, text string) problem {
	p := problem{channel: e.Channel, device: e.Device, text: text}
	if t.list != nil && e.Device != "" {
		p.place = t.list.Channels[e.Channel].Devices[e.Device].Index
	} else if e.Device == "" {
		p.place = "/channels.json"
	}
	t.told[p.place] = true
	return p
}

// Why says whether a phone is offered an update, and why not: which way it takes over
// full images and deltas, which phase it waits for, and where the chain breaks.
//
//	go run ./examples/why ubuntu-touch/rc/meizu.en arale 3                   # the lab
//	go run ./examples/why -site site.conf -machine-id $(cat machine-id) CHANNEL DEVICE BUILD
//	go run ./examples/why -site site.conf -draw 42 CHANNEL DEVICE BUILD
//
// A phone draws a number from 0 to 100 for each version; a percentage lets it in from
// that number on. Without its machine id or a number all numbers are gone through.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/landingteam/landing/examples/internal/cli"
	"github.com/landingteam/landing/phasing"
	"github.com/landingteam/landing/systemimage"
	"github.com/landingteam/landing/systemimage/upgrade"
)

func main() { cli.Main(program()) }

// A phone is what is asked about.
type phone struct {
	channel, device string
	build           int
	target          string // channel_target of its channel.ini, if it has one
	machineID       string
	draw            int // -1: unknown
}

// An answer is what phones with the numbers First to Last get.
type answer struct {
	First    int      `json:"first_number"`
	Last     int      `json:"last_number"`
	Offered  bool     `json:"offered"`
	Target   int      `json:"target,omitempty"`    // the version that the number is drawn for
	EntersAt int      `json:"enters_at,omitempty"` // least percentage that reaches the first of these numbers
	Path     []string `json:"path,omitempty"`      // images in the order in which they are put on
	Why      []string `json:"why"`
}

func program() cli.Program {
	p := phone{draw: -1}
	return cli.Program{
		Name:  "why",
		About: "Says why a phone is or is not offered an update",
		Args:  "CHANNEL DEVICE BUILD",
		Needs: []string{"tree"},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&p.machineID, "machine-id", "", "the `TEXT` of its /var/lib/dbus/machine-id or /etc/machine-id")
			fs.IntVar(&p.draw, "draw", -1, "the `NUMBER` from 0 to 100 that it has drawn, in place of its machine id")
			fs.StringVar(&p.target, "target", "", "`CHANNEL` that stands as channel_target in its channel.ini: the one that an alias led to when it was installed")
		},
		Look: func(ctx context.Context, w *cli.World, args []string, asJSON bool, out io.Writer) error {
			if err := p.read(args); err != nil {
				return cli.Usage(err)
			}
			head, answers, err := p.ask(ctx, w.Images)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				return enc.Encode(answers)
			}
			_, err = io.WriteString(out, cli.Printable(show(head, answers)))
			return err
		},
	}
}

func (p *phone) read(args []string) (err error) {
	if len(args) != 3 {
		return errors.New("want CHANNEL DEVICE BUILD, such as ubuntu-touch/stable/meizu.en arale 7 (the phone: Settings, About)")
	}
	p.channel, p.device = args[0], args[1]
	if p.build, err = strconv.Atoi(args[2]); err != nil || p.build < 0 {
		return fmt.Errorf("%q is no build: want a number, 0 for a phone without one", args[2])
	}
	if p.machineID != "" && p.draw >= 0 {
		return errors.New("-machine-id and -draw are two ways to say one thing: leave one out")
	}
	if p.draw < -1 || p.draw > 100 {
		return fmt.Errorf("-draw %d: phones draw 0 to 100", p.draw)
	}
	if p.machineID != "" {
		p.machineID, err = phasing.MachineID([]byte(p.machineID))
	}
	return err
}

// ask reads what the phone would read. head is what is to be known of its channel.
func (p *phone) ask(ctx context.Context, c *systemimage.Client) (head []string, answers []answer, err error) {
	l, err := c.Channels(ctx)
	if err != nil {
		return nil, nil, err
	}
	x, err := c.IndexOf(ctx, l, p.channel, p.device)
	if err != nil {
		return nil, nil, err
	}
	q := upgrade.Device{Channel: p.channel, Target: p.target, Build: p.build, MachineID: p.machineID}.Request(l.Channels)
	head = p.channelWords(l, q)
	if p.machineID != "" {
		a, err := explain(x.Index, q)
		return head, []answer{a}, err
	}
	first, last := 0, 100
	if p.draw >= 0 {
		first, last = p.draw, p.draw
	}
	for n := first; n <= last; n++ {
		q.Draw = func(int) int { return n }
		a, err := explain(x.Index, q)
		if err != nil {
			return head, nil, err
		}
		if k := len(answers) - 1; k >= 0 && answers[k].Offered == a.Offered && slices.Equal(answers[k].Path, a.Path) {
			answers[k].Last = n
			continue
		}
		answers = append(answers, a)
	}
	return head, answers, nil
}

// channelWords says what the phone's channel is, where that is not plain.
func (p *phone) channelWords(l *systemimage.Listing, q upgrade.Request) (words []string) {
	ch := l.Channels[p.channel]
	switch l.Channels.Kind(p.channel) {
	case systemimage.KindAlias:
		words = append(words, fmt.Sprintf("%s is an alias of %s: the phone's number is drawn for that name.", p.channel, ch.Alias))
	case systemimage.KindRedirect:
		words = append(words, fmt.Sprintf("%s leads to %s.", p.channel, ch.Redirect))
	}
	if to := ch.Devices[p.device].Redirect; to != "" {
		words = append(words, fmt.Sprintf("For %s the channel leads to %s.", p.device, to))
	}
	if q.Build != p.build {
		words = append(words, fmt.Sprintf("The alias led to %s when the phone was installed and leads to %s now: that is a switch of channels, and the phone counts from build 0, not %d.", p.target, ch.Alias, p.build))
	}
	if !l.Verified {
		words = append(words, "Nothing below was verified: the tree was read without its keyring.")
	}
	return words
}

// explain answers for one number.
func explain(x *systemimage.Index, q upgrade.Request) (answer, error) {
	o, err := upgrade.Choose(x, q)
	if err != nil {
		return answer{}, fmt.Errorf("every phone at build %d drops this index, and gets nothing: %w", q.Build, err)
	}
	text, err := upgrade.Explain(x, q)
	if err != nil {
		return answer{}, err
	}
	a := answer{First: o.Number, Last: o.Number, Offered: len(o.Path) > 0, Target: o.Target, Why: strings.Split(text, "\n")}
	for _, m := range o.Path {
		a.Path = append(a.Path, m.String())
	}
	if o.Target > 0 {
		a.EntersAt = int(phasing.EntersAt(o.Number))
	}
	return a, nil
}

func show(head []string, answers []answer) string {
	var b strings.Builder
	for _, line := range head {
		b.WriteString(cli.Wrap(line, "  ", 80))
	}
	for _, a := range answers {
		indent := ""
		if len(answers) > 1 {
			indent = "  "
			fmt.Fprintf(&b, "phones with the numbers %d to %d, %.1f %% of all:\n", a.First, a.Last, 100*float64(a.Last-a.First+1)/101)
		}
		for _, line := range a.Why {
			b.WriteString(cli.Wrap(indent+line, indent+"  ", 80))
		}
		if until := int(phasing.EntersAt(a.Last)); a.Target > 0 && !a.Offered {
			line := fmt.Sprintf("let in from %d %% on", a.EntersAt)
			if until != a.EntersAt {
				line = fmt.Sprintf("let in one after the other while the percentage rises from %d to %d", a.EntersAt, until)
			}
			b.WriteString(indent + line + "\n")
		}
	}
	return b.String()
}

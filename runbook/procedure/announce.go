package procedure

import (
	"context"
	"fmt"
	"strings"
	"text/template"

	"github.com/landingteam/landing/runbook"
)

// An Announcement is a text with the facts filled in, for people outside the
// team. It is shown at a gate and sent once somebody has approved that very text.
type Announcement struct {
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// announce asks whether a text may go out, and sends it. Without an announcer a
// person sends it, and the gate asks for that. Whether a mail went out before a
// kill cannot be looked up: a person is asked then.
func announce(ctx context.Context, r *runbook.Run, send func(context.Context, Announcement) error, name string, a Announcement, not []string) error {
	question := "Send this announcement?"
	if send == nil {
		question = "Has this announcement been sent?"
	}
	evidence := struct {
		Subject string   `json:"subject"`
		Body    []string `json:"body"` // by lines, to be read
	}{a.Subject, strings.Split(a.Body, "\n")}
	text := append([]string{"Subject: " + a.Subject, ""}, evidence.Body...)
	if err := r.Gate(ctx, runbook.Gate{Name: name, Question: question, Evidence: shown{evidence, text}, Not: not}); err != nil || send == nil {
		return err
	}
	_, err := runbook.Do(ctx, r, runbook.Step[bool]{
		Name:    "send " + name,
		Intent:  "send the announcement: " + a.Subject,
		Predict: true,
		Do:      func(ctx context.Context) (bool, error) { return true, send(ctx, a) },
	})
	return err
}

// fill makes an announcement of a template whose first line is the subject.
func fill(text string, facts any) (Announcement, error) {
	t, err := template.New("announcement").Option("missingkey=error").Parse(text)
	if err != nil {
		return Announcement{}, fmt.Errorf("the announcement's template: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, facts); err != nil {
		return Announcement{}, fmt.Errorf("the announcement's template: %w", err)
	}
	subject, body, _ := strings.Cut(strings.TrimSpace(b.String()), "\n")
	return Announcement{Subject: strings.TrimSpace(subject), Body: strings.TrimSpace(body)}, nil
}

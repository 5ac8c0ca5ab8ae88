package cli

import (
	"fmt"
	"io"
	"log/slog"
)

// logger is what -v and -log ask for; nil is silent.
func logger(o options, stderr io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{}
	if o.verbose {
		opts.Level = slog.LevelDebug
	}
	switch {
	case o.log == "json":
		return slog.New(slog.NewJSONHandler(stderr, opts))
	case o.log == "text" || o.verbose:
		return slog.New(slog.NewTextHandler(stderr, opts))
	}
	return nil
}

// checkLog refuses a form that logger does not know.
func checkLog(form string) error {
	switch form {
	case "", "text", "json":
		return nil
	}
	return fmt.Errorf("-log %s: want text or json", form)
}

// Board serves the runs of a folder to browsers: what they do, what they wait for,
// and, for those who are known, their questions to answer. On its own it listens on
// loopback; for a team, put it behind a proxy that says who somebody is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/landingteam/landing/runbook/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type options struct {
	runs, listen, as, header, origin string
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	fs := flag.NewFlagSet("board", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.runs, "runs", "", "serve the journals in the folder `DIR`; answers go to its folder mailbox")
	fs.StringVar(&o.listen, "listen", "127.0.0.1:8080", "listen on `ADDRESS`")
	fs.StringVar(&o.as, "as", "", "whoever opens the printed address answers as `NAME`")
	fs.StringVar(&o.header, "header", "", "a proxy in front says in the header `NAME` who somebody is, and lets nobody else set it")
	fs.StringVar(&o.origin, "origin", "", "take answers from pages under `URL` too, for a proxy that changes the Host header")
	fs.Usage = func() {
		fmt.Fprint(stderr, "usage: board [flags]\nServes the runs of a folder to browsers. Without -as and -header everybody may only read.\n\n")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if err := o.check(fs.Args()); err != nil {
		fmt.Fprintf(stderr, "board: %v\n(board -help lists the flags)\n", err)
		return 2
	}
	if err := o.serve(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "board: %v\n", err)
		return 1
	}
	return 0
}

func (o options) check(args []string) error {
	switch info, err := os.Stat(o.runs); {
	case len(args) > 0:
		return fmt.Errorf("what is %q? all is said by flags", args[0])
	case o.runs == "":
		return errors.New("which runs? -runs DIR")
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no folder", o.runs)
	case o.as != "" && o.header != "":
		return errors.New("-as and -header exclude each other")
	}
	return nil
}

// serve serves until ctx ends.
func (o options) serve(ctx context.Context, stdout, stderr io.Writer) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	h := &web.Handler{Source: web.Folder{Dir: o.runs}, Logger: logger}
	if o.origin != "" {
		h.Origins = []string{o.origin}
	}
	address := "http://" + listener.Addr().String() + "/"
	var served http.Handler = h
	switch {
	case o.as != "":
		key := newKey(o.as)
		h.Identity, served = key.identity, key.handler(h)
		address += "?key=" + key.secret
	case o.header != "":
		h.Identity = func(r *http.Request) (string, error) { return r.Header.Get(o.header), nil }
	}
	if host, port, err := net.SplitHostPort(listener.Addr().String()); err == nil && net.ParseIP(host).IsLoopback() && o.header == "" {
		h.Hosts = []string{"127.0.0.1:" + port, "[::1]:" + port, "localhost:" + port}
	}
	server := &http.Server{Handler: served, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx }} // open pages end with it
	fmt.Fprintln(stdout, address)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(last)
	}
}

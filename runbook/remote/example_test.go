package remote_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/runbook/remote"
	"github.com/landingteam/landing/runbook/remote/remotetest"
)

// server stands for a real machine in the examples.
func server() (*remotetest.Server, *remote.Host) {
	s := &remotetest.Server{}
	if err := s.Start(); err != nil {
		log.Fatal(err)
	}
	return s, s.Host()
}

func ExampleHost_Run() {
	s, _ := server()
	defer s.Close()

	h := &remote.Host{
		Addr:    s.Addr(),
		User:    "landing",
		HostKey: s.HostKey(), // or KnownHosts, or nothing for ~/.ssh/known_hosts
		KeyFile: s.KeyFile(),
		Agent:   "none",
	}
	defer h.Close()
	ctx := context.Background()

	out, err := h.Run(ctx, command.Command{Argv: []string{"printf", "<%s>", "no $expansion", "it's a word"}})
	fmt.Printf("%s exit %d, error %v\n", out.Stdout, out.Exit, err)

	out, err = h.Run(ctx, command.Command{Argv: []string{"grep", "-c", "arale"}, Stdin: []byte("krillin\n")})
	fmt.Printf("%s exit %d, error %v\n", strings.TrimSpace(string(out.Stdout)), out.Exit, err)

	// Output:
	// <no $expansion><it's a word> exit 0, error <nil>
	// 0 exit 1, error <nil>
}

// A job goes on when the link is lost, and when our process ends. Asked for
// again under its name, it is watched to its end, and not started a second time.
func ExampleHost_Run_job() {
	s, h := server()
	defer s.Close()
	ctx := context.Background()

	impatient, cancel := context.WithCancel(ctx)
	defer cancel()
	import7 := command.Command{
		Argv: []string{"sh", "-c", "echo importing; until [ -e images ]; do sleep 0.02; done; echo imported; exit 3"},
		Job:  "import-7",
		Line: func(string) { cancel() },
	}
	_, err := h.Run(impatient, import7)
	fmt.Println("gave up:", errors.Is(err, context.Canceled))
	s.Drop() // the network fails

	jobs, err := h.Jobs(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(jobs[0].Name, jobs[0].State)

	if err := os.WriteFile(filepath.Join(s.Dir, "images"), nil, 0o600); err != nil {
		log.Fatal(err)
	}
	out, err := h.Run(ctx, import7)
	fmt.Printf("%q, exit %d, %v\n", out.Stdout, out.Exit, err)

	// Output:
	// gave up: true
	// import-7 running
	// "importing\nimported\n", exit 3, <nil>
}

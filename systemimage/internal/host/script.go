package host

import "github.com/landingteam/landing/runbook/command"

// Script is "sh -c TEXT NAME ARG...": what no single program of the host answers.
// TEXT is constant; data reaches it as arguments and standard input, never as
// script text. NAME tells a fake host which script it is asked to run.
func Script(text, name string, args ...string) command.Command {
	return command.Command{Argv: append([]string{"sh", "-c", text, name}, args...)}
}

package host

import "github.com/landingteam/landing/runbook/command"

func Script(text, name string, args ...string) command.Command {
	return command.Command{Argv: append([]string{"sh", "-c", text, name}, args...)}
}

package systemimage

import "github.com/landingteam/landing/runbook/command"

func script(text, name string, args ...string) command.Command {
	return command.Command{Argv: append([]string{"sh", "-c", text, name}, args...)}
}

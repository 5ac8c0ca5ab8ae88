// Package cli is what the example programs share: their flags, the world that they work
// on (the lab, or a real site), what they print, and their exit status.
//
// The nouns, in reading order:
//
//   - A [Program] is one program: its name, its own flags, and which procedure to run. A
//     program that only looks has Look in place of it. [Main] runs it.
//   - A [World] is what it works on: clients, a folder, who runs it. The world of the lab
//     and that of a site differ in nothing but how the clients were made.
//   - A [Site] is what the site file says, of which examples/site.conf is a sample.
//   - [Build] and [Phasing] are flags that several programs have.
//   - A [FoundRun] is a run in a folder of journals; a [JobHost] is a host with what is
//     left there of long commands.
//   - A [StatusError] ends a program that looks with an exit status of its own.
//
// # Where a rule stands
//
//	flags of all programs, which contradict each other        cli.go
//	exit statuses                                             cli.go: exitStatus
//	the plan, the question, the run, its report               start.go
//	-until-done                                               untildone.go
//	Ctrl-C, and a second one                                  interrupt.go
//	pairs and images as arguments                             args.go
//	the flags of a build; those of phasing, health, announce  build.go, phasing.go
//	the lab or a site is opened                               world.go
//	which journal: -journal, -runs, or one for the time being journals.go
//	keys of the site file, and what their values must be      sitekeys.go
//	the site file is read; all that is wrong with it          site.go, sitefaults.go
//	what ~/.ssh/config adds                                   sshconfig.go
//	is the site ready; a name that is nearly right            examine.go
//	jobs on the hosts                                         jobs.go
//	who is asked: terminal, mailbox, nobody                   human.go
//	what was typed before the question is thrown away         flush_*.go
//	a line for each record; a plan                            print.go
//	the last line that moves, colours, width                  screen.go; what goes on, how far: underway.go
//	lines broken between words                                wrap.go
//	-report FILE                                              reportfile.go
//	-notify COMMAND                                           notify.go
//	-v and -log                                               log.go
package cli

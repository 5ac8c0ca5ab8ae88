// Package command says what it is to run one program on one host, and nothing
// about how. The packages that need a program run (systemimage/operate,
// systemimage/channelconfig, cdimage/builder) ask for a [Runner];
// runbook/remote has one over SSH, and the fakes have theirs.
//
// A [Command] is a list of arguments, never a line for a shell. What it leaves
// behind is an [Output]. One with a name is a [Job], which outlives the link. A
// [Script] is for what no single program answers.
// Where a line has to be made after all, [Quote] makes one that a POSIX shell
// splits into the same words again.
//
// A [File] on the host, and the user's [Crontab], change by compare-and-swap:
// only if they still hold what was read. Who changes them to where they should be
// ([File.Change]) may rely on it that nothing that was on its way comes after.
//
// # Where a rule stands
//
//	a command, its output, who runs it                     command.go
//	a job: its state; lost, and what is known then         job.go
//	words in one line of a shell                           quote.go
//	a file is replaced only if it is what was read         swap.go; the scripts: swapscript.go
//	nothing that was on its way comes after                change.go
//	the same for a crontab, also one that is not there     crontab.go
//
// # Errors
//
//	situation                                              error
//	no program name, a NUL byte, a line beyond the limit   ErrInvalid
//	a job ended without an exit status                     ErrJobLost (a LostJob)
//	a job to attach to is not there                        ErrNoJob
//	a file or the crontab is not as it was read            ErrConflict
//	its text was cut on the way                            ErrCut
//	the end of the change was not seen                     ErrUnseen
//	no such file; a file that may not be read              fs.ErrNotExist; fs.ErrPermission
//	longer than the runner's limit; a tool that fails      ErrTooLong; ErrFailed
package command

// Package remote runs programs on one machine over SSH: its Host is a
// command.Runner. Nothing but an SSH server, a POSIX sh and its usual tools is needed on
// the other side.
//
// A [Host] is the machine: its address, a user, a key to log in with, and how
// the machine's own key is known. All calls share one connection, which is
// dialled at the first call and again after a loss; a host reached through
// another one has it as Jump. The host's key is always checked, against
// known_hosts files or a pinned key: there is no way to turn that off.
//
// A [command.Command] is a program with its arguments, never a line of text pasted
// together, and what it gets on standard input. [Host.Run] runs it and returns
// a [command.Output]: what it wrote, up to a limit, and its exit status. A status other
// than zero is not an error of this package. An error means that the program
// was not started, or, if it is [ErrLost], that its end was not seen: then
// nothing is known about its effect, and only a look at the world tells.
//
// A command with a name, Command.Job, is a job: it must outlive the connection,
// as a build or an import must. It runs detached on the host, with its output and
// exit status in files, started once however often and from however many
// processes it is asked for; asking again under the same name attaches to it.
// Run does all of it: start or attach, wait, fetch the result, remove the files.
// A job that ended without a status, because the host was restarted or somebody
// killed it, is said to be lost, once; its name is free then, so that whoever has
// looked what it did can run it again. With Command.Keep its files stay, and a
// later call with Command.Attach gets the result once more. [Host.Jobs] lists what is there,
// [Host.Reap] removes what nobody will fetch; what ended a month ago goes by
// itself.
//
// # Where a rule stands
//
//	the machine, and what is taken where nothing is said      host.go
//	the host's key                                            hostkey.go
//	keys of ours, agents                                      auth.go
//	one connection, dialled anew after a loss                 dial.go
//	a program runs; limits of its output                      run.go; its lines as they come: lines.go
//	a job: started or attached to, awaited, fetched, removed  job.go
//	  started once; old ones are cleared away then            scripts/start.sh
//	  running, ended, lost or never begun                     scripts/job.sh
//	  watched: what it wrote since last time                  scripts/watch.sh
//	which jobs there are; one is removed when asked           joblist.go, scripts/list.sh, scripts/reap.sh
//	how a script of ours is sent and answers                  script.go, scripts/say.sh
//	which error is which                                      errors.go
//
// # Limits
//
// A job survives the loss of the link, the death of the SSH session and of our
// process, not a restart of the host; it is then lost. On a host whose
// systemd-logind has KillUserProcesses=yes (no distribution for servers sets
// it) the user needs "loginctl enable-linger". The login shell must quote as
// POSIX shells do, which csh and fish do not. Host certificates are not
// supported, nor are logins by password.
//
// # Errors
//
// Every error is an [Error], perhaps around a [command.LostJob], and [errors.Is] finds its kind. The text says what
// to do next and never holds a key, a passphrase or standard input.
//
//	situation                                          error
//	field of Host, argv, path or job name unusable     ErrInvalid
//	host in no known_hosts file                        ErrHostUnknown (and ErrHostKey)
//	host presents another key than the known one       ErrHostChanged (and ErrHostKey)
//	host presents a key marked @revoked                ErrHostKey
//	no key, or none the host accepts; key encrypted    ErrAuth
//	no connection: address, network, timeout           ErrUnreachable
//	host runs no commands for us; a tool fails there   ErrRefused
//	link or ctx ended while a command ran              ErrLost; one that only looks was sent once more
//	ctx ended before anything was sent                 context.Canceled or DeadlineExceeded, not ErrLost
//	program ended with a status, or by signal N        no error; Exit is the status, or 128+N
//	output longer than MaxOutput                       no error; Truncated is set
//	no such job                                        ErrNotExist (and fs.ErrNotExist)
//	no such job to attach to                           command.ErrNoJob
//	a job of this name runs with another argv          ErrJobDifferent
//	job without exit status: host restarted, killed    command.ErrJobLost
//	job to be reaped still runs                        ErrJobRunning
//	change asked for under Host.ReadOnly               ErrReadOnly
package remote

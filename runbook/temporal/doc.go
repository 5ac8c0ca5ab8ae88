// Package temporal runs the procedures of package runbook on a Temporal cluster: any
// worker goes on where another one died, anybody with the right may answer from
// anywhere, and a run that waits for days costs nothing but its history.
//
// Procedures stay what they are, functions that take a runbook.Run. What changes is
// where their journal lies, and who starts them again.
//
//	w := worker.New(c, "landing", temporal.Options())
//	(&temporal.Worker{Client: c, Procedures: map[string]temporal.Build{"copyrc": build}}).Register(w)
//	w.Start()
//	temporal.Start(ctx, c, "landing", "OTA-13-rc", temporal.Run{Procedure: "copyrc", Input: input, Operator: "anna"})
//
// The nouns, in reading order:
//
//   - A [Run] says what a run is about: the name of a procedure, its input, its
//     operator. [Start] begins it under a name of its own, which is used once.
//   - A [Worker] knows procedures: by their name it has a [Build], which makes one from
//     its input. Each start of the engine is one activity on one worker, and its
//     journal lies in a second workflow, NAME/journal.
//   - A [State] is what the run's workflow knows: its [Phase], and the [Result] of the
//     last start. [Look] asks for it, [Status] for what the journal amounts to.
//   - [Answer] answers a question, [GoOn] takes a [Decision] about a run that failed.
//     To stop one that works, cancel its workflow: what is held is given back first.
//   - A [Journal] is the runbook.Journal behind all that. It serves a laptop as well.
//     [Import] brings a journal from a file to a cluster; [Lines] is the way back.
//   - A [Source] shows the runs in the browser, with package runbook/web.
//
// # Two that run at once
//
// A worker that is silent for longer than the heartbeat counts as dead, and the next
// start begins elsewhere. If it only slept, it wakes while its successor is at work.
// It can write nothing more, begins no step, and gives back nothing that its successor
// holds: before each call it makes sure that it is the current one, by its clock, and
// in doubt by asking the cluster. Whoever sends something that cannot be taken back
// asks once more with runbook.Current; remote.Host does. What was sent before it fell
// asleep cannot be called back: an effect that was on its way may still happen, which
// its successor finds out by the step's Probe.
//
// # What lies on the cluster
//
// Inputs, results, evidence, reasons and error texts lie in histories, in plain, for
// everybody who may read the namespace; and who may write to it can answer as anybody.
// A hotfix is confidential until it is public: give it a namespace of its own, or a
// client with a converter.PayloadCodec that encrypts, and a failure converter that
// encodes common attributes, without which error texts stay in plain;
// runbook/temporal/examples/release has both. The names of a run, of its procedure and of its operator are never encrypted:
// ids, memos and search attributes have them. What has ended is forgotten after the
// namespace's retention: set Worker.Archive.
//
// # Limits
//
// A record and an input of at most 1 MiB, an answer of 4 KiB, and a journal of at most
// 1.4 MiB packed, which are 11,000 records or more. A server ends a workflow beyond
// that; this package refuses before. A run whose journal is full fails, and gives back
// what it holds; there is room left to put that on record with GoOn and Settle.
//
// # Terminated
//
// Who terminates a run's workflow, in place of cancelling it, leaves what it holds as
// it is. Its journal is whole: settle it with a runbook.Runner of one's own and
// [JournalOf], with Take if its worker is dead.
//
// # Where a rule stands
//
//	a run is begun, answered, ended                           client.go
//	what it is about, and what it is doing                    run.go
//	its workflow: starts, gates, due times                    runflow.go
//	a worker, and which procedures it knows                   worker.go
//	a journal, from the side of who writes it                 journal.go; its lease on the lock: lease.go
//	the journal's workflow: lock, lines, both checked         journalflow.go
//	lines as one blob                                         lines.go
//	a journal moves between a file and a cluster              transfer.go
//	runs in the browser                                       source.go
//	which error is which                                      errors.go
//
// # Errors
//
//	situation                                                   error
//	no run of that name, or forgotten after its retention       ErrNotFound
//	a run of that name has ended                                ErrExists
//	an answer or decision that does not fit what is asked now   ErrRefused
//	sent, and no worker was there to take it                    ErrUnknown
//	the namespace does not let this client do it                ErrDenied
//	anything else that a cluster says                           ErrCluster
//	another start, or a person, has the journal                 runbook.ErrLocked
//	a journal that is full, lost, closed or that does not answer  runbook.ErrJournal
package temporal

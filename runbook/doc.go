// Package runbook runs procedures that survive a kill: plain Go functions that
// act inside named steps, with a journal that remembers what was done.
//
// A Procedure is a function that takes a Run, as a test takes a testing.T. A
// Runner starts it: Execute runs it or goes on with it, Plan shows what it
// would do, Settle only gives back what it left taken. The shortest program:
//
//	journal, err := runbook.OpenFile("copy.journal")
//	…
//	runner := &runbook.Runner{Name: "copy", Journal: journal}
//	err = runner.Execute(ctx, func(ctx context.Context, r *runbook.Run) error {
//		_, err := runbook.Do(ctx, r, runbook.Step[int]{
//			Name: "copy", Intent: "copy build 42 to rc",
//			Do:   func(ctx context.Context) (int, error) { return server.Copy(ctx, 42) },
//		})
//		return err
//	})
//
// Started again with the same file it returns what is recorded instead of
// acting, and goes on. No position counts, only names: steps may be added,
// removed and moved between two starts of a run.
//
// The nouns, in the order in which one meets them:
//
//   - A Step is one effect, done with [Do]. Its Name is its identity inside
//     its group, its Intent what the plan, the journal and the report say. Its
//     Probe looks whether it is so already; then the step is adopted: taken for done,
//     with the result that is there. Work that goes on elsewhere is one step, which
//     requests it and watches it to its end.
//   - [Read] looks once and pins what it saw. [Wait] looks until it is so, up to
//     a Poll's deadline. Require looks at a precondition on every start;
//     Verify looks at a postcondition once.
//   - A group is a space of names: Group makes one, [Each] one for every key.
//   - A Hold takes something away while steps work, and gives it back however
//     they end. It is armed first, which is to say recorded; from then on it is owed.
//     It is taken at the first effect inside. Its Look notices, before each effect,
//     when somebody else gave it back.
//   - A Gate asks a Human, who answers yes, no or later. The approval names who,
//     why if that was said, and by digest the evidence that was shown; other evidence is asked
//     about anew. Evidence with a text is shown as that text.
//   - A Journal keeps Records, one before and one after each effect, in a
//     [FileJournal] as JSON lines. Each carries the SHA-256 of the one before,
//     so that an edited journal is refused. It must not hold credentials:
//     inputs, results, evidence and errors are written as they are.
//   - The World of a Runner says what a run works on, such as a site and its host. It
//     is recorded with the run, which goes on in no other.
//   - A Guard is a Journal that is asked before each call, and by [Current]
//     within one: in a store that hosts share, a run may be taken over. A
//     Bounded one says how long a line may be. ReadOnly makes one of lines.
//   - A Status is what the records amount to; StatusOf and ReadStatus need no
//     lock, and its WriteReport puts it into words, as Runner.WritePlan does with a
//     plan. [Ending] is one word for how a start ended.
//
// A Human is the one of package terminal, or the Box of package mailbox; package web
// shows runs in a browser and takes answers there; package notice tells who is not
// there; package runbooktest has what tests of procedures need.
//
// # What a start does with what is recorded
//
//	last record        Read       Do                     Gate              Hold
//	none               look, pin  probe: adopt or run    ask               take at the first effect
//	done, adopted      pinned     recorded result
//	failed             look       probe: adopt or run
//	started, in doubt             probe: adopt or run;
//	                              without probe ask
//	                              whether it happened
//	approved                                             valid for the same
//	                                                     question and evidence
//	rejected                                             stays rejected
//	armed, acquired                                                        owed: given back at the end
//
// An effect is never repeated unasked: Retries is zero unless set, and what
// timed out, was cancelled or says that it is in doubt is not retried at all.
//
// # Where a rule stands
//
//	a step: done once, probed, in doubt                       step.go; what was so already is adopted there
//	several effects with one call                             together.go
//	waiting; until when                                       wait.go; in words: duetext.go
//	one failure does not stop the others                      each.go
//	what the whole run is bound to: input, world, name        run.go; when two inputs are one: input.go
//	a result that JSON does not carry                         result.go
//	names are used once; nothing happens unrecorded           engine.go
//	records: format, chain of SHA-256, unknown fields         record.go
//	what a journal must be able to do                         journal.go
//	a journal in a file; a torn last line is cut              filejournal.go
//	who has the journal, and whether that process is alive    filejournal.go, lock_*.go, alive_*.go
//	a call is refused: another process has the run            guard.go
//	holds: armed, taken, given back                           hold.go, settle.go
//	a gate: an answer on record counts, or it is asked anew   gate.go
//	which answer counts: by whom, of which evidence, why      question.go
//	a question in words, and what may be answered             questiontext.go, evidence.go
//	which of several errors comes first                       errors.go
//	what a journal amounts to: steps, debts, questions        status.go
//	words for a record, a state, a report                     recordtext.go, state.go, report.go
//	what many steps say is said once                          fold.go
//
// # What can go wrong
//
//	situation                                                    error
//	another procedure, world, input, intent, verb or result      ErrDiverged
//	a gate, or an effect in doubt, waits for a person            ErrPending
//	it is too early                                              ErrPending, with Error.Due
//	a person said no, or nobody answered in time                 ErrRejected
//	something could not be given back                            ErrOwed
//	somebody else gave back what is held, while steps work       ErrNotHeld
//	another process runs this journal                            ErrLocked
//	the journal is damaged, edited, newer, or cannot be written  ErrJournal
//	the journal refuses a call: another process has the run      ErrJournal, and ErrOwed for what is held
//	nobody knows whether an effect happened                      ErrInDoubt
//	a step, a wait or a gate took too long                       ErrTimeout
//	a name used twice in its group                               ErrDuplicate
//	a result that JSON does not carry, a step without Do, …      ErrInvalid
//	a record that is longer than a line of the journal may be    ErrInvalid
//
// ErrOwed comes first when there are several: look at it first.
package runbook

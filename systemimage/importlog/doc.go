// Package importlog says what an import did to each channel and device, and why it
// did not do more, from what import-images printed.
//
// The nouns, in reading order:
//
//   - A [Run] is one run of import-images. [Runs] yields those of a log, [Parse]
//     returns the last.
//   - An [Entry] is what the log has about one device of a channel: its [Outcome], and
//     the cause where there is no image. A device has its turn once in a run; [Run.Expect]
//     adds those that never had it.
//   - A [Finding] is a cause with its remedy, the commands that help, and the lines
//     that prove it. Causes stand in one table, rules.go: each has a class for
//     programs, what it is about, and what makes it known. [Explain] looks an
//     exception of any of the server's programs up there.
//   - A [Progress] is how far a run is that goes on, by its lines.
//   - A [Report] is what [Diagnose] makes of a log: a [Turn] for each device, with what
//     became of it, findings, and a [Verdict]. A finding names its places, each a [Place]
//     (a channel, or a device of it), and quotes lines, each a [Quote] with its number.
//     Whoever knows more, such as what the sources answer, adds to a report.
//
// Logs of both eras of the server are read, at any level, cut or whole, with the
// standard error stream among it or without.
//
// # Where a rule stands
//
//	causes, each with its remedy, in one table                rules.go
//	which of them fits what a log has                         explain.go
//	a run, its entries; what never had its turn               run.go
//	lines of a log: records, errors, what is passed over      parse.go, parserecords.go
//	a device's entry begins and ends                          parseentry.go
//	the end of a run, and what it died of                     end.go
//	what xz left when it failed                               damage.go
//	the shell, ssh, other programs in the same log            otherwords.go
//	how far a run is                                          progress.go
//	the verdict about the newest run                          diagnose.go; about each device: entries.go
//	which lines prove it                                      lines.go
//	a finding, its places, its JSON                           finding.go
//	what may be secret in an address                          redact.go
//	a report, added to; in words                              report.go, text.go
//
// # Errors
//
//	situation                           what is returned
//	the log cannot be read to its end   a systemimage.Error with the line
//	the log does not say what was done  no error, and the verdict CannotTell
package importlog

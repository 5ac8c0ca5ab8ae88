// Package importlog says what an import did to each channel and device, and why it
// did not do more, from what import-images printed.
//
// The nouns, in reading order:
//
//   - A [Run] is one run of import-images. [Runs] yields those of a log, [Parse]
//     returns the last.
//   - An [Entry] is what happened to one device of a channel: its [Outcome], and
//     the cause where there is no image. [Run.Expect] adds what never had its turn.
//   - A [Finding] is a cause with its remedy, the commands that help, and the lines
//     that prove it. Causes stand in one table, rules.go: each has a class for
//     programs, what it is about, and what makes it known. [Explain] looks an
//     exception of any of the server's programs up there.
//   - A [Progress] is how far a run is that goes on, by its lines.
//   - A [Report] is what [Diagnose] makes of a log: outcomes, findings, and a
//     [Verdict]. Whoever knows more, such as what the sources answer, adds to it.
//
// Logs of both eras of the server are read, at any level, cut or whole, with the
// standard error stream among it or without.
//
//	situation                           what is returned
//	the log cannot be read to its end   a systemimage.Error with the line
//	the log does not say what was done  no error, and the verdict CannotTell
package importlog

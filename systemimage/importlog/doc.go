// Package importlog reads the log of import-images: what an import did to each
// channel and device, and why it did not do more.
//
// [Parse] reads one [Run], [Runs] those of a log that holds several. A run has an
// [Entry] for each device of a channel, with its [Outcome] and, where no image was
// published, the cause and what to do about it. [Run.Expect] adds what the run did
// not come to. [Problem] explains a line of a log by itself.
//
// Logs of both eras of the server are read, at any level, cut or whole.
//
// # Errors
//
//	the log cannot be read to its end   an error with the line; what was read is kept
package importlog

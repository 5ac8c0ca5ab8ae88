// Package serverlog reads the records of the log that the server's programs
// write, of either era and at any level.
package serverlog

// Package host is what the packages share that run programs on the image
// server's host: scripts, and words of programs made fit for a message.
package host

// Package remote runs programs on one host over SSH and replaces files there.
//
// A [Host] is the machine: an address, a user, and how its key is known. A
// [Command] is an argv with its standard input, an [Output] what it left.
// Host.Run runs one command to its end.
package remote

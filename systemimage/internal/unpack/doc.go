// Package unpack opens .tar.xz files that somebody else made, within bounds of
// memory and size: what a file asks for is known before any of it is given.
package unpack

//go:build race

package cdimage_test

// racing is true when the race detector slows everything down.
const racing = true

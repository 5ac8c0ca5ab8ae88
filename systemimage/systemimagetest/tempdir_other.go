//go:build !linux

package systemimagetest

func fit(string, uint64) bool { return false }

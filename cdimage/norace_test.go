//go:build !race

package cdimage_test

const racing = false

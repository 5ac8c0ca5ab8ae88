package treecheck_test

import (
	"os"
	"testing"

	"github.com/landingteam/landing/systemimage/systemimagetest"
)

func TestMain(m *testing.M) {
	os.Exit(systemimagetest.InMemory(m.Run))
}

package procedure_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landingteam/landing/runbook/lab"
	"github.com/landingteam/landing/systemimage/systemimagetest"
)

// labs are the labs that were made so far, by the text of their world. Each test
// gets a clone of one, which is ten times cheaper than another that is made.
var labs struct {
	sync.Mutex
	dir  string
	made map[string]*lab.Lab
}

func TestMain(m *testing.M) {
	// These tests wait most of their time, for a mending that looks twice: many do so side
	// by side. A -parallel of the command line still counts.
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(systemimagetest.InMemory(func() int {
		status := m.Run()
		for _, l := range labs.made {
			l.Close()
		}
		os.RemoveAll(labs.dir)
		return status
	}))
}

// virtual is a test beside others in virtual time, which begins now: what is waited for
// takes none. It must not come to a network.
func virtual(test func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		now := time.Now()
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(now))
			test(t)
		})
	}
}

// parallel is a test beside others.
func parallel(test func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		test(t)
	}
}

func newLab(t testing.TB) *lab.Lab {
	t.Helper()
	return newWorld(t, systemimagetest.SampleWorld())
}

func newWorld(t testing.TB, w systemimagetest.World) *lab.Lab {
	t.Helper()
	if w.Now != nil {
		return lab.NewWorld(t, w)
	}
	l, err := madeLab(w)
	if err != nil {
		t.Fatal(err)
	}
	return l.Clone(t)
}

func madeLab(w systemimagetest.World) (*lab.Lab, error) {
	labs.Lock()
	defer labs.Unlock()
	text := w.String()
	if l := labs.made[text]; l != nil {
		return l, nil
	}
	if labs.dir == "" {
		var err error
		if labs.dir, err = os.MkdirTemp("", "procedure-labs-"); err != nil {
			return nil, err
		}
		labs.made = map[string]*lab.Lab{}
	}
	l, err := lab.InProcess(filepath.Join(labs.dir, strconv.Itoa(len(labs.made))), w)
	if err != nil {
		return nil, err
	}
	labs.made[text] = l
	return l, l.Images.Freeze()
}

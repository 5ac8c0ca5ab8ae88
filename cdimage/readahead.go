package cdimage

import "io"

// An ahead reads on in a goroutine, a block or two ahead of its user: a log is
// unpacked on one processor while it is searched on another. It has to be read
// to its end or to an error, with which the goroutine ends.
type ahead struct {
	full chan read
	free chan []byte
	now  read   // what is being given out
	rest []byte // of it
}

// A read is what came out of one.
type read struct {
	block []byte
	err   error
}

// The unpacker gives 32 KB at a time; handing over so little costs more than
// unpacking it.
const aheadSize = 256 << 10

func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan read, 2), free: make(chan []byte, 2)}
	for range cap(a.free) {
		a.free <- make([]byte, aheadSize)
	}
	go func() {
		for block := range a.free {
			n := 0
			var err error
			for n < len(block) && err == nil {
				var k int
				k, err = r.Read(block[n:])
				n += k
			}
			a.full <- read{block[:n], err}
			if err != nil {
				return
			}
		}
	}()
	return a
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.block != nil {
			a.free <- a.now.block[:cap(a.now.block)]
		}
		a.now = <-a.full
		a.rest = a.now.block
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

package remote_test

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

// A proxy passes bytes on until it is told to swallow them, as a network does
// whose cable was pulled: no end of the connection is ever seen.
type proxy struct {
	addr   string
	silent atomic.Bool
}

func startProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	var open []net.Conn
	done := make(chan bool)
	go func() {
		defer close(done)
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			open = append(open, a, b)
			go io.Copy(filter{a, p}, b)
			go io.Copy(filter{b, p}, a)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for _, c := range open {
			c.Close()
		}
	})
	return p
}

func (p *proxy) silence() { p.silent.Store(true) }

type filter struct {
	w io.Writer
	p *proxy
}

func (f filter) Write(b []byte) (int, error) {
	if f.p.silent.Load() {
		return len(b), nil
	}
	return f.w.Write(b)
}

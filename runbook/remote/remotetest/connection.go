package remotetest

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// A connection is one client.
type connection struct {
	s        *Server
	nc       net.Conn
	sessions atomic.Int32
}

// cut ends the link; what runs goes on.
func (c *connection) cut() { c.nc.Close() }

func (s *Server) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.Refuse || s.listener == nil {
			s.mu.Unlock()
			nc.Close()
			continue
		}
		c := &connection{s: s, nc: nc}
		s.conns[c] = true
		s.wg.Add(1)
		s.mu.Unlock()
		go func() {
			defer s.wg.Done()
			c.serve()
			nc.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		}()
	}
}

// serve does the handshake and then what the client asks for.
func (c *connection) serve() {
	c.s.mu.Lock()
	keys, name, delay := c.s.hostKeys, c.s.User, c.s.Delay
	c.s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-c.s.ctx.Done():
		return
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(m ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if name != "" && m.User() != name {
			return nil, errors.New("no such user")
		}
		if !bytes.Equal(key.Marshal(), c.s.client.PublicKey().Marshal()) {
			return nil, errors.New("key not authorized")
		}
		return nil, nil
	}}
	for _, k := range keys {
		config.AddHostKey(k)
	}
	conn, chans, reqs, err := ssh.NewServerConn(c.nc, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for ch := range chans {
		switch ch.ChannelType() {
		case "session":
			c.session(ch, conn.User())
		case "direct-tcpip":
			go c.forward(ch)
		default:
			ch.Reject(ssh.UnknownChannelType, "only sessions and forwarding")
		}
	}
}

// session serves one session channel.
func (c *connection) session(nch ssh.NewChannel, user string) {
	c.s.mu.Lock()
	limit := cmp.Or(c.s.MaxSessions, 10)
	c.s.mu.Unlock()
	if int(c.sessions.Add(1)) > limit {
		c.sessions.Add(-1)
		nch.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	ch, reqs, err := nch.Accept()
	if err != nil {
		c.sessions.Add(-1)
		return
	}
	c.s.wg.Add(1)
	go func() {
		defer c.s.wg.Done()
		defer c.sessions.Add(-1)
		defer ch.Close()
		for req := range reqs {
			if req.Type != "exec" {
				req.Reply(req.Type == "env", nil)
				continue
			}
			var msg struct{ Line string }
			if err := ssh.Unmarshal(req.Payload, &msg); err != nil {
				req.Reply(false, nil)
				return
			}
			r := &Request{Line: msg.Line, User: user, Stdin: ch, Stdout: ch, Stderr: ch.Stderr()}
			c.exec(r, req, ch, reqs)
			return
		}
	}()
}

// exec runs one command, with the faults asked for.
func (c *connection) exec(r *Request, req *ssh.Request, ch ssh.Channel, reqs <-chan *ssh.Request) {
	c.s.mu.Lock()
	c.s.commands = append(c.s.commands, r.Line)
	fault, handler := c.s.Fault, c.s.Handler
	r.dir, r.env = c.s.Dir, c.s.Env
	c.s.mu.Unlock()
	var f Fault
	if fault != nil {
		f = fault(r)
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-c.s.ctx.Done():
		}
	}
	switch {
	case f.Before:
		c.cut()
		return
	case f.Refuse:
		req.Reply(false, nil)
		return
	}
	req.Reply(true, nil)
	// The handler is told that its client is gone, and may go on nevertheless.
	gone := make(chan struct{})
	r.gone = gone
	go func() {
		for req := range reqs {
			req.Reply(false, nil)
		}
		close(gone)
	}()
	if handler == nil {
		handler = Shell
	}
	exit := handler(c.s.ctx, r)
	if f.After {
		c.cut()
		return
	}
	if r.Signal != "" {
		ch.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal     string
			Core       bool
			Error, Tag string
		}{Signal: r.Signal}))
	} else {
		ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(exit)}))
	}
}

// forward connects the client to an address, which is how a jump host works.
func (c *connection) forward(nch ssh.NewChannel) {
	var msg struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(nch.ExtraData(), &msg); err != nil {
		nch.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	to, err := new(net.Dialer).DialContext(c.s.ctx, "tcp", net.JoinHostPort(msg.Host, strconv.Itoa(int(msg.Port))))
	if err != nil {
		nch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer to.Close()
	ch, reqs, err := nch.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	go ssh.DiscardRequests(reqs)
	var wg sync.WaitGroup
	wg.Go(func() {
		io.Copy(ch, to)
		ch.CloseWrite()
		ch.Close()
	})
	io.Copy(to, ch)
	to.Close()
	wg.Wait()
}

package systemimagetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Sources answers for the web servers that the importer asks, as they answer it:
// what [Server.AddBuild] put there, with its faults. It is for an [http.Client]
// that asks them too; nothing leaves the process.
func (s *Server) Sources() http.RoundTripper { return sources{s} }

type sources struct{ s *Server }

// RoundTrip implements http.RoundTripper.
func (t sources) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	p := &process{home: t.s.root}
	data, err := p.fetch(req.URL.String())
	var failed *downloadError
	status := http.StatusOK
	switch {
	case errors.As(err, &failed):
		if status, err = failed.asHTTP(req.URL.Hostname()); err != nil {
			return nil, err
		}
		data = fmt.Appendf(nil, "<html><body>%d</body></html>\n", status)
	case err != nil:
		return nil, err
	}
	length := int64(len(data))
	if from, to, ok := byteRange(req.Header.Get("Range"), len(data)); ok && status == http.StatusOK {
		status, data = http.StatusPartialContent, data[from:to]
		length = int64(len(data))
	}
	if req.Method == http.MethodHead {
		data = nil
	}
	return &http.Response{Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
		ContentLength: length, Body: io.NopCloser(bytes.NewReader(data))}, nil
}

// asHTTP is the failure as a client of Go's meets it: a status, or an error.
func (e *downloadError) asHTTP(host string) (status int, err error) {
	switch rest, isStatus := strings.CutPrefix(e.text, "HTTP Error "); {
	case isStatus:
		number, _, _ := strings.Cut(rest, ":")
		return strconv.Atoi(number)
	case strings.Contains(e.text, "Connection refused"):
		return 0, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	case strings.Contains(e.text, "name resolution"):
		return 0, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	case e.text == "timed out":
		return 0, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	return 0, io.ErrUnexpectedEOF
}

// byteRange reads "bytes=A-B".
func byteRange(header string, size int) (from, to int, ok bool) {
	var last int
	if n, _ := fmt.Sscanf(header, "bytes=%d-%d", &from, &last); n != 2 || from < 0 || from >= size || last < from {
		return 0, 0, false
	}
	return from, min(last+1, size), true
}

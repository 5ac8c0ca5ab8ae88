package channelconfig

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/landingteam/landing/systemimage/internal/fixture"
)

var configTexts = flag.Int("texts", 3000, "how many made-up configurations are compared with what Python reads")

// A reading is what Python and we make of one text.
type reading struct {
	Class, Log string
	Sections   []sectionReading
}

type sectionReading struct {
	Section string
	Keys    []keyReading
}

type keyReading struct {
	Key, Raw string
	Names    []string
	Number   string // what the first name is as an integer
}

// readingOf is our reading of a text, in the same shape.
func readingOf(data []byte) (r reading) {
	c, err := Parse(data)
	var f *Failure
	if errors.As(err, &f) {
		r.Class = f.Class
		if f.Empty {
			r.Log = f.Log("etc/config")
		}
		return r
	}
	r.Sections = []sectionReading{}
	for _, name := range c.Sections() {
		s := sectionReading{Section: name, Keys: []keyReading{}}
		for _, key := range c.Keys(name) {
			v, _ := c.Get(name, key)
			number := ""
			if n, ok := pyInt(v.Names()[0]); ok {
				number = strconv.Itoa(n)
			}
			s.Keys = append(s.Keys, keyReading{key, v.Raw, v.Names(), number})
		}
		r.Sections = append(r.Sections, s)
	}
	return r
}

// A python is a process that reads configurations with Python's configparser.
type python struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func startPython(t testing.TB) *python {
	t.Helper()
	exe, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 to compare with")
	}
	cmd := exec.Command(exe, "testdata/reader.py")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("python3: %v\n%s", err, stderr.String())
		}
	})
	return &python{in: in, out: bufio.NewReaderSize(out, 1<<20)}
}

func (p *python) send(data []byte) error {
	_, err := io.WriteString(p.in, base64.StdEncoding.EncodeToString(data)+"\n")
	return err
}

func (p *python) receive(t testing.TB) (r reading) {
	t.Helper()
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	return r
}

// pieces are what made-up texts are made of: everything that the grammar, the
// reading of files as text and the splitting of lists look at.
var pieces = []string{
	"[global]", "[channel_c]", "[channel_d]", "[DEFAULT]", "[", "]", "[]", "[a]b]", " [x]", "[ s ]",
	"type", "files", "channels", "file_a", "fullcount", "a", "b", "Key", "é", "中", "\U0001f4f1",
	" = ", "=", ":", " : ", "= ", "=:", " =\t", ", ", ",", ",\t", ", , ", "\"", "\"\"", "'", ";", " ; ", "#", " # ", "%", "%(a)s", "\\",
	"auto", "manual", "3", " 07 ", "1_0", "-1", "\u0663", "http://h.example.net/a;name=b,monitor=http://h/m",
	" ", "  ", "\t", "    ", "\u00a0", "\u2003", "\u3000", "\ufeff", "\u200b", "\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\u0085", "\u2028", "\u2029",
	"\x7f", "\x01", "\ufffd", "\ufffe",
}

var lineEnds = []string{"\n", "\n", "\n", "\n", "\n", "\n", "\r\n", "\r", "\n\n", "\n  ", "\n\t", "\r\n    ", "\n \n"}

// wholeLines keep texts readable often enough that something is in them.
var wholeLines = []string{
	"[global]", "[channel_c]", "[channel_d]", "[DEFAULT]", "channels = c, d", "type = auto", "fullcount = 3", "# note", "; note", "   # note", "",
	"files = a, b", "  , c", "file_a = version", "versionbase: 7", "  type = manual", "[x] behind", "deltabase = c,", "  d",
}

// madeUp is a text that tries the grammar.
func madeUp(r *rand.Rand) []byte {
	var b []byte
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	if r.IntN(100) == 0 {
		// Around the pieces in which a file is read.
		b = append(b, "#"+strings.Repeat("x", 8150+r.IntN(50))+pick(lineEnds)...)
	}
	bad := r.IntN(30) == 0
	if r.IntN(10) > 0 {
		b = append(b, "[global]"+pick(lineEnds)...)
	}
	for range r.IntN(12) {
		if r.IntN(3) > 0 {
			b = append(b, pick(wholeLines)...)
			if r.IntN(8) == 0 {
				b = append(b, strconv.Itoa(r.IntN(50))...)
			}
		} else {
			for range 1 + r.IntN(6) {
				b = append(b, pick(pieces)...)
			}
		}
		if bad && r.IntN(4) == 0 {
			b = append(b, pick([]string{"\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"})...)
		}
		b = append(b, pick(lineEnds)...)
	}
	if r.IntN(4) == 0 {
		b = bytes.TrimRight(b, "\r\n\t ")
	}
	return b
}

// Python's own parser and ours make the same of made-up texts: sections, keys,
// values, numbers, and of faults the same words.
//
//	go test -run TestConfigLikePython -texts 1000000 ./systemimage
func TestConfigLikePython(t *testing.T) {
	t.Parallel()
	p := startPython(t)
	seed := rand.Uint64()
	texts := make(chan []byte, 256)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		defer close(texts)
		r := rand.New(rand.NewPCG(seed, 1))
		sample := readFile(t, "testdata/sample")
		for range *configTexts {
			text := madeUp(r)
			if r.IntN(50) == 0 {
				text = damaged(r, sample)
			}
			select {
			case texts <- text:
			case <-stop:
				return
			}
			if p.send(text) != nil {
				return // receive says why
			}
		}
	}()
	n, classes := 0, map[string]int{}
	for text := range texts {
		want, got := p.receive(t), readingOf(text)
		n++
		classes[want.Class]++
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("seed %d, text %d: %q\n(-python +got)\n%s", seed, n, text, cmp.Diff(want, got))
		}
	}
	if n != *configTexts {
		t.Fatalf("%d texts compared, want %d", n, *configTexts)
	}
	t.Logf("%d texts, of which read %d; failures: %v", n, classes[""], fmt.Sprint(classes))
}

// damaged is a real configuration with a few bytes taken out, doubled or replaced.
func damaged(r *rand.Rand, text []byte) []byte {
	text = bytes.Clone(text)
	for range 1 + r.IntN(4) {
		i := r.IntN(len(text))
		j := min(len(text), i+r.IntN(20))
		switch r.IntN(3) {
		case 0:
			text = append(text[:i], text[j:]...)
		case 1:
			text = append(text[:j:j], text[i:]...)
		default:
			text = append(append(text[:i:i], pieces[r.IntN(len(pieces))]...), text[j:]...)
		}
	}
	return text
}

// FuzzParseConfig: no panic, and what is read is what Python reads.
func FuzzParseConfig(f *testing.F) {
	f.Add(readFile(f, "testdata/sample"))
	for _, c := range fixture.Cases[grammarCase](f, "testdata/grammar-cases.json") {
		f.Add([]byte(c.Config))
	}
	p := startPython(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		if err := p.send(data); err != nil {
			t.Fatal(err)
		}
		if want, got := p.receive(t), readingOf(data); !reflect.DeepEqual(want, got) {
			t.Fatalf("(-python +got)\n%s", cmp.Diff(want, got))
		}
	})
}

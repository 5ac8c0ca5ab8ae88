package importlog

import (
	"bufio"
	"io"
	"runtime"
	"strings"
	"testing"
)

// repeated is a log of n bytes: one text over and over.
type repeated struct {
	text []byte
	at   int
	left int64
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(b, r.text[r.at:])
	n = int(min(int64(n), r.left))
	r.left -= int64(n)
	if r.at += n; r.at == len(r.text) {
		r.at = 0
	}
	return n, nil
}

// bigLog is an hour of a server that imports every five minutes, at debug level:
// one run of it publishes.
func bigLog(t testing.TB) []byte {
	var text []byte
	for _, r := range importRecordings(t) {
		switch r.Name {
		case "import-several-channels-v3":
			text = append(text, r.Stdout...)
		case "import-nothing-new-v3":
			text = append(text, strings.Repeat(r.Stdout, 11)...)
		}
	}
	return text
}

// A hundred megabytes take no more memory than one run does.
func TestImportRunsMemory(t *testing.T) {
	text := bigLog(t)
	var peak, start runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&start)
	n := 0
	for run, err := range Runs(&repeated{text: text, left: 32 << 20}) {
		if err != nil || len(run.Entries) == 0 {
			t.Fatal(run, err)
		}
		if n++; n%100 == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.HeapAlloc = max(peak.HeapAlloc, now.HeapAlloc)
		}
	}
	if grown := int64(peak.HeapAlloc) - int64(start.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes over %d runs", grown, n)
	}
}

// The baseline of reading a log is looking at its lines.
func BenchmarkImportLog(b *testing.B) {
	text := bigLog(b)
	const size = 16 << 20
	b.Run("Scanner", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			s := bufio.NewScanner(&repeated{text: text, left: size})
			n := 0
			for s.Scan() {
				n += len(s.Bytes())
			}
		}
	})
	b.Run("ImportRuns", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, err := range Runs(&repeated{text: text, left: size}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

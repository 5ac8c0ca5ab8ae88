package cdimage_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/landingteam/landing/cdimage"
	"github.com/landingteam/landing/cdimage/cause"
)

// The measurements read the same bytes in one run: 256 MB of each kind of log
// in the mix that the image host and the builders write, and the recorded
// livefs log of 1.6 MB. Baselines are a bare line scan, the same rules applied
// as plain regular expressions to each line, and gunzip alone.
//
//	go test -run '^$' -bench . ./cdimage

const mixSize = 256 << 20

type mix struct {
	name  string
	logs  [][]byte
	bytes int64
}

func makeMix(livefs bool) func() mix {
	return func() mix {
		m := mix{name: "build"}
		if livefs {
			m.name = "livefs"
		}
		generateMix(livefs, mixSize, func(kind logKind, size int64, seed uint64) error {
			var b bytes.Buffer
			err := generateLog(&b, kind, size, seed)
			m.logs = append(m.logs, b.Bytes())
			m.bytes += int64(b.Len())
			return err
		})
		return m
	}
}

var (
	buildMix  = sync.OnceValue(makeMix(false))
	livefsMix = sync.OnceValue(makeMix(true))
)

func fixture(b *testing.B) mix {
	text := []byte(read(b, "livefs/big-vivid-armhf-unmet.txt.gz"))
	return mix{"fixture", [][]byte{text}, int64(len(text))}
}

// over measures f over all logs of a mix: bytes a second, allocations and
// allocated bytes for each megabyte read.
func over(b *testing.B, m mix, f func(io.Reader) error) {
	b.Helper()
	b.SetBytes(m.bytes)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		for _, log := range m.logs {
			if err := f(bytes.NewReader(log)); err != nil {
				b.Fatal(err)
			}
		}
	}
	runtime.ReadMemStats(&after)
	mb := float64(m.bytes) / 1e6 * float64(b.N)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/mb, "allocs/MB")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/mb, "B-alloc/MB")
	b.ReportMetric(float64(m.bytes)/float64(len(m.logs))/1e3, "kB/log")
}

func bareScan(r io.Reader) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), 64<<20)
	for s.Scan() {
	}
	return s.Err()
}

func parseBuildLog(r io.Reader) error  { _, err := cdimage.ParseBuildLog(r); return err }
func parseLivefsLog(r io.Reader) error { _, err := cdimage.ParseLivefsLog(r); return err }

// plainRegexp applies all patterns to each line, as one would without thinking
// about speed.
func plainRegexp(rules []cause.Rule) func(io.Reader) error {
	var patterns []*regexp.Regexp
	for _, r := range rules {
		patterns = append(patterns, regexp.MustCompile(r.Pattern))
	}
	return func(r io.Reader) error {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 0, 64<<10), 64<<20)
		for s.Scan() {
			for _, re := range patterns {
				re.Match(s.Bytes())
			}
		}
		return s.Err()
	}
}

func BenchmarkBuildLogs(b *testing.B) {
	m := buildMix()
	b.Run("scan", func(b *testing.B) { over(b, m, bareScan) })
	b.Run("classify", func(b *testing.B) { over(b, m, parseBuildLog) })
	b.Run("regexp", func(b *testing.B) { over(b, part(m), plainRegexp(new(cdimage.Rules).Build())) })
}

func BenchmarkLivefsLogs(b *testing.B) {
	m := livefsMix()
	b.Run("scan", func(b *testing.B) { over(b, m, bareScan) })
	b.Run("classify", func(b *testing.B) { over(b, m, parseLivefsLog) })
	b.Run("regexp", func(b *testing.B) { over(b, part(m), plainRegexp(new(cdimage.Rules).Livefs())) })
}

func BenchmarkFixture(b *testing.B) {
	m := fixture(b)
	b.Run("scan", func(b *testing.B) { over(b, m, bareScan) })
	b.Run("classify", func(b *testing.B) { over(b, m, parseLivefsLog) })
	b.Run("regexp", func(b *testing.B) { over(b, m, plainRegexp(new(cdimage.Rules).Livefs())) })
}

// part is as much of a mix as plain regular expressions get through in a few
// seconds.
func part(m mix) mix {
	p := mix{name: m.name}
	for _, log := range m.logs {
		if p.bytes > 8<<20 {
			break
		}
		p.logs = append(p.logs, log)
		p.bytes += int64(len(log))
	}
	return p
}

func BenchmarkGzip(b *testing.B) {
	for _, m := range []mix{livefsMix(), fixture(b)} {
		packed := mix{name: m.name, bytes: m.bytes}
		for i, log := range m.logs {
			if i >= 16 { // 40 MB and more
				break
			}
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			w.Write(log)
			w.Close()
			packed.logs = append(packed.logs, z.Bytes())
		}
		packed.bytes = 0
		for _, log := range m.logs[:len(packed.logs)] {
			packed.bytes += int64(len(log))
		}
		b.Run(m.name+"/gunzip", func(b *testing.B) {
			over(b, packed, func(r io.Reader) error {
				z, err := gzip.NewReader(r)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, z)
				return err
			})
		})
		b.Run(m.name+"/classify", func(b *testing.B) { over(b, packed, parseLivefsLog) })
	}
}

// BenchmarkLimits reads what no log should be and some are.
func BenchmarkLimits(b *testing.B) {
	for _, l := range []struct {
		name string
		kind logKind
		size int64
	}{{"line of 1 MB", LongLine, 1 << 20}, {"100,000 lines with error", ErrorLines, 3_200_000}, {"200 MB", LivefsFails, 200 << 20}} {
		b.Run(l.name, func(b *testing.B) {
			var text bytes.Buffer
			if err := generateLog(&text, l.kind, l.size, 1); err != nil {
				b.Fatal(err)
			}
			over(b, mix{l.name, [][]byte{text.Bytes()}, int64(text.Len())}, parseLivefsLog)
		})
	}
}

// BenchmarkDense reads logs in which most lines match a rule. A bare line scan says how
// quiet the machine is.
func BenchmarkDense(b *testing.B) {
	b.Run("scan", func(b *testing.B) {
		text := strings.Repeat(read(b, "livefs/vivid-armhf-chroot-connect.txt.gz"), 2000)
		over(b, mix{"scan", [][]byte{[]byte(text)}, int64(len(text))}, bareScan)
	})
	for _, name := range []string{"vivid-armhf-chroot-connect", "vivid-armhf-hashsum", "vivid-armhf-postinst"} {
		b.Run(name, func(b *testing.B) {
			text := strings.Repeat(read(b, "livefs/"+name+".txt.gz"), 2000)
			over(b, mix{name, [][]byte{[]byte(text[:min(len(text), 16<<20)])}, int64(min(len(text), 16<<20))}, parseLivefsLog)
		})
	}
	b.Run("vivid-armhf-chroot-connect, each line numbered", func(b *testing.B) {
		text := read(b, "livefs/vivid-armhf-chroot-connect.txt.gz")
		var lines strings.Builder
		for n := 0; lines.Len() < 16<<20; {
			for line := range strings.Lines(text) {
				n++
				fmt.Fprintf(&lines, "%s %d\n", strings.TrimSuffix(line, "\n"), n)
			}
		}
		over(b, mix{"numbered", [][]byte{[]byte(lines.String())}, int64(lines.Len())}, parseLivefsLog)
	})
	b.Run("matching lines, all different", func(b *testing.B) {
		var lines strings.Builder
		for n := range 40_000 {
			fmt.Fprintf(&lines, "W: Failed to fetch http://ftpmaster.internal/ubuntu/pool/main/x/x%d_1.%[1]d_armhf.deb  404  Not Found [IP: 91.189.88.1 80]\n", n)
			fmt.Fprintf(&lines, " x%d : Depends: y%[1]d but it is not installable\n", n)
			fmt.Fprintf(&lines, "dpkg: error processing package x%d (--configure):\n", n)
		}
		text := failing(b, false, lines.String())
		over(b, mix{"all different", [][]byte{[]byte(text)}, int64(len(text))}, parseLivefsLog)
	})
	b.Run("matching lines", func(b *testing.B) {
		text := failing(b, false, strings.Repeat("dpkg: error processing package urfkill (--configure):\nW: Failed to fetch http://ftpmaster.internal/ubuntu/dists/vivid/Release.gpg  Could not connect to ftpmaster.internal:80 (91.189.88.1). - connect (110: Connection timed out)\nE: Some index files failed to download. They have been ignored, or old ones used instead.\n", 20_000))
		over(b, mix{"matching lines", [][]byte{[]byte(text)}, int64(len(text))}, parseLivefsLog)
	})
}

// BenchmarkPeak reports the largest heap while a log of 2 GB streams through.
func BenchmarkPeak(b *testing.B) {
	log := read(b, "livefs/vivid-i386-unmet.txt.gz")
	for b.Loop() {
		runtime.GC()
		var base, now runtime.MemStats
		runtime.ReadMemStats(&base)
		peak := uint64(0)
		r := &watched{r: repeated(log, "Setting up liberror-perl (0.17-1.1) ...\n", "", 2<<30), look: func() {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc-min(base.HeapAlloc, now.HeapAlloc))
		}}
		if err := parseLivefsLog(r); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(peak)/1e6, "peak-MB")
	}
}

// watched looks at the heap now and then while it is read.
type watched struct {
	r    io.Reader
	n    int
	look func()
}

func (w *watched) Read(p []byte) (int, error) {
	if w.n++; w.n%256 == 0 {
		w.look()
	}
	return w.r.Read(p)
}

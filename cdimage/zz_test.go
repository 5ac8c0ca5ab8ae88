package cdimage_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(1, &u)
	return time.Duration(u.Utime.Nano())
}

func TestZZ(t *testing.T) {
	runtime.LockOSThread()
	numbered := func(name string) string {
		text := read(t, "livefs/"+name+".txt.gz")
		var lines strings.Builder
		for n := 0; lines.Len() < 8<<20; {
			for line := range strings.Lines(text) {
				n++
				fmt.Fprintf(&lines, "%s %d\n", strings.TrimSuffix(line, "\n"), n)
			}
		}
		return lines.String()
	}
	var lines strings.Builder
	for n := range 40_000 {
		fmt.Fprintf(&lines, "W: Failed to fetch http://ftpmaster.internal/ubuntu/pool/main/x/x%d_1.%[1]d_armhf.deb  404  Not Found [IP: 91.189.88.1 80]\n", n)
		fmt.Fprintf(&lines, " x%d : Depends: y%[1]d but it is not installable\n", n)
		fmt.Fprintf(&lines, "dpkg: error processing package x%d (--configure):\n", n)
	}
	texts := map[string]string{"alldiff": failing(t, false, lines.String())}
	for _, n := range []string{"vivid-armhf-chroot-connect", "vivid-armhf-hashsum", "vivid-armhf-postinst"} {
		texts["numbered "+n] = numbered(n)
		texts["same "+n] = strings.Repeat(read(t, "livefs/"+n+".txt.gz"), 300)
	}
	for name, text := range texts {
		b := []byte(text)
		c := cpu()
		bareScan(bytes.NewReader(b))
		base := cpu() - c
		c = cpu()
		parseLivefsLog(bytes.NewReader(b))
		d := cpu() - c
		t.Logf("%-50s %6.1f MB  parse %6.0f MB/cpu-s  scan %6.0f", name, float64(len(b))/1e6, float64(len(b))/1e6/d.Seconds(), float64(len(b))/1e6/base.Seconds())
	}
}

package serverlog

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReader(t *testing.T) {
	long := strings.Repeat("x", 3*MaxLine)
	in := "2026-11-22 10:16:46,991 INFO Setting tag for image to 'OTA, 13'\r\n" +
		"  File \"x\", line 1\n" +
		"2026-11-22 10:16:46,991 NOTICE not a level\n" +
		"2026-11-22 10:16:46.991 INFO not a time stamp\n" +
		"2026-11-22 10:16:4x,991 INFO not a number\n" +
		"2026-11-22 10:16:47,001 DEBUG Orphaned files: " + long + "\n" +
		"2026-11-22 10:16:47,002 CRITICAL \n" +
		"\n\xff\xfe\n2026-11-22 10:16:47,003 WARNING cut he"
	type line struct {
		When, Text string
		Level      byte
		Torn       bool
	}
	var got []line
	r := NewReader(strings.NewReader(in))
	for {
		level, b, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if len(text) > 100 {
			if len(text) > MaxLine {
				t.Errorf("kept %d bytes of one line", len(text))
			}
			text = text[:20]
		}
		when := ""
		if level != 0 {
			when = string(r.Stamp[:])
		}
		got = append(got, line{when, text, level, r.Torn})
	}
	want := []line{
		{"2026-11-22 10:16:46,991", "Setting tag for image to 'OTA, 13'", 'I', false},
		{"", `  File "x", line 1`, 0, false},
		{"", "2026-11-22 10:16:46,991 NOTICE not a level", 0, false},
		{"", "2026-11-22 10:16:46.991 INFO not a time stamp", 0, false},
		{"", "2026-11-22 10:16:4x,991 INFO not a number", 0, false},
		{"2026-11-22 10:16:47,001", "Orphaned files: xxxx", 'D', false},
		{"2026-11-22 10:16:47,002", "", 'C', false},
		{"", "", 0, false},
		{"", "\xff\xfe", 0, false},
		{"2026-11-22 10:16:47,003", "cut he", 'W', true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Line != len(want) {
		t.Errorf("line %d, want %d", r.Line, len(want))
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("2026-11-22 10:16:46,991 INFO x\nTraceback\r\n\n2026-11-22 10:16:46,991 DEBUG"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b))
		for {
			if _, _, err := r.Next(); err != nil {
				break
			}
		}
		want := bytes.Count(b, []byte("\n"))
		if len(b) > 0 && b[len(b)-1] != '\n' {
			want++
		}
		if r.Line != want {
			t.Errorf("%d lines, want %d", r.Line, want)
		}

		// Read in other portions, the lines are the same.
		whole, single := NewReader(bytes.NewReader(b)), NewReader(iotest.OneByteReader(bytes.NewReader(b)))
		for {
			level, text, err := whole.Next()
			level1, text1, err1 := single.Next()
			if level != level1 || !bytes.Equal(text, text1) || err != err1 {
				t.Fatalf("%c %q %v, byte by byte %c %q %v", level, text, err, level1, text1, err1)
			}
			if err != nil {
				break
			}
		}
	})
}

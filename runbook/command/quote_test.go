package command_test

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landingteam/landing/runbook/command"
)

// hard are words that catch naive quoting.
var hard = []string{
	"", " ", "'", "''", `'\''`, `"`, `\`, `\\`, "a\\\nb", "\n", "\r\n", "\t", "$HOME", "${x}", "$(id)", "`id`", "!", "!!", "a!b",
	"*", "?", "[a]", "~", "~root", "a~", "#", "a#b", "=", "x=y", "&", "&&", ";", "|", "<", ">", "(", ")", "{", "}", "{a,b}",
	"-", "--", "-n", "-e", "%s", "%", "^", "\x01", "\x7f", "\x80", "\xff\xfe", "ä", "日本", "\u2028", "\u00a0", "'\n'", "a'b'c",
}

// split lets a real shell read the words of a line and print each of them with
// a NUL behind it.
func split(t testing.TB, shell, line string) []string {
	cmd := exec.Command(shell, "-c", `p() { printf '%s\0' "$@"; }; p `+line)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s cannot read %q: %v: %s", shell, line, err, out)
	}
	words := strings.Split(string(out), "\x00")
	return words[:len(words)-1]
}

func TestQuoteInRealShells(t *testing.T) {
	argv := append([]string{"p"}, hard...)
	for _, a := range hard {
		for _, b := range hard {
			argv = append(argv, a+b)
		}
	}
	for _, shell := range []string{"/bin/sh", "bash", "dash", "mksh", "zsh"} {
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		line, err := command.Quote(argv)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(argv, split(t, shell, line)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", shell, diff)
		}
	}
}

func TestQuote(t *testing.T) {
	tests := []struct {
		name string
		argv []string
		want string
	}{
		{"plain", []string{"bin/copy-image", "rc-proposed/x", "-k", "a@b:c,d+e%f"}, "bin/copy-image rc-proposed/x -k a@b:c,d+e%f"},
		{"empty word", []string{"x", ""}, "x ''"},
		{"quote", []string{"echo", "it's"}, `echo 'it'\''s'`},
		{"reserved word", []string{"if", "if"}, "'if' if"},
		{"no option", []string{"-n", "-n"}, "'-n' -n"},
		{"no assignment", []string{"a=b", "c=d"}, "'a=b' 'c=d'"},
		{"no home", []string{"ls", "~"}, "ls '~'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := command.Quote(tt.argv); got != tt.want || err != nil {
				t.Errorf("Quote(%q) = %s, %v; want %s", tt.argv, got, err, tt.want)
			}
		})
	}
	for name, argv := range map[string][]string{
		"nothing":     nil,
		"no program":  {""},
		"NUL":         {"echo", "a\x00b"},
		"out of size": {"echo", strings.Repeat("x", 1<<20)},
	} {
		if got, err := command.Quote(argv); !errors.Is(err, command.ErrInvalid) {
			t.Errorf("%s: Quote = %.20q, %v; want ErrInvalid", name, got, err)
		}
	}
}

// The first word must be run as a program, whatever a shell could see in it.
func TestQuoteFirstWord(t *testing.T) {
	for _, w := range append(slices.Clone(hard), "if", "for", "time", "function", "in", "{", "}", "!", "[[") {
		if w == "" || w == "." {
			continue
		}
		line, err := command.Quote([]string{"no-such-dir/" + w})
		if err != nil {
			t.Fatal(err)
		}
		plain, err := command.Quote([]string{w, "\n#"})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []string{line, plain} {
			if out, _ := exec.Command("/bin/sh", "-n", "-c", l).CombinedOutput(); len(out) > 0 {
				t.Errorf("sh does not parse %q: %s", l, out)
			}
		}
	}
}

// A word of a command that is shown is that word to a shell, NUL bytes apart.
func TestWord(t *testing.T) {
	line, want := "p", []string{"p"}
	for _, w := range append(slices.Clone(hard), "a\x00b", "if", "www/pool/device-1.tar.xz") {
		line += " " + command.Word(w)
		want = append(want, strings.ReplaceAll(w, "\x00", ""))
	}
	if diff := cmp.Diff(want, split(t, "/bin/sh", line)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := command.Word("ubuntu-touch/stable"); got != "ubuntu-touch/stable" {
		t.Errorf("a plain word is quoted: %s", got)
	}
}

func FuzzQuote(f *testing.F) {
	for _, w := range hard {
		f.Add("p", w, w+w)
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		argv := []string{a, b, c}
		line, err := command.Quote(argv)
		if err != nil {
			if a != "" && !strings.Contains(a+b+c, "\x00") && len(a+b+c) < 1000 {
				t.Errorf("Quote(%q): %v", argv, err)
			}
			return
		}
		if got := split(t, "/bin/sh", line); !slices.Equal(got, argv) {
			t.Errorf("Quote(%q) = %q, which sh splits into %q", argv, line, got)
		}
	})
}

func TestCommandString(t *testing.T) {
	c := command.Command{Argv: []string{"tee", "a b"}, Stdin: []byte("secret"), Job: "j"}
	if got, want := c.String(), "tee 'a b' (job j) (6 bytes on standard input)"; got != want {
		t.Errorf("String() = %s, want %s", got, want)
	}
	if got := (command.Command{Argv: []string{"a\x00"}}).String(); !strings.Contains(got, `a\x00`) || bytes.ContainsRune([]byte(got), 0) {
		t.Errorf("String() = %q", got)
	}
}

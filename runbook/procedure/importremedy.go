package procedure

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var faultyLine = regexp.MustCompile(`\[line +(\d+)\]`)

// faultyLines are the numbers of lines that the parser of etc/config named.
func faultyLines(quotes []ImportQuote) string {
	var numbers []string
	for _, q := range quotes {
		if m := faultyLine.FindStringSubmatch(q.Text); m != nil && !slices.Contains(numbers, m[1]) {
			numbers = append(numbers, m[1])
		}
	}
	return strings.Join(numbers, ", ")
}

var failedURL = regexp.MustCompile(`Failed to (?:download|retrieve url) (\S.*)$`)

// failedURLs are the addresses that the quoted lines complain about.
func failedURLs(quotes []ImportQuote) []string {
	var urls []string
	for _, q := range quotes {
		if m := failedURL.FindStringSubmatch(q.Text); m != nil && !slices.Contains(urls, m[1]) {
			urls = append(urls, m[1])
		}
	}
	return urls
}

// askAgain are commands that ask for addresses by hand.
func askAgain(quotes []ImportQuote) []string {
	var commands []string
	for _, u := range failedURLs(quotes) {
		if strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") {
			commands = append(commands, "curl -sSIL --max-time 20 "+shellWord(u))
		}
	}
	return commands
}

// showSection is a command that shows a channel's section of etc/config.
func showSection(channel string) string {
	return fmt.Sprintf("grep -nF -A12 %s etc/config", shellWord("[channel_"+channel+"]"))
}

// shellWord quotes a word for a shell.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// aboutConfig reports whether an exception is about etc/config.
func aboutConfig(exception string) bool {
	for _, text := range []string{"Missing channel section", "Missing file entry", "Missing mirror", "Missing key in", "has no attribute 'split'",
		"invalid literal for int()", "int() argument", "Invalid generator:", "unknown url type", "has no attribute 'public_", "Configuration file doesn't exist"} {
		if strings.Contains(exception, text) {
			return true
		}
	}
	return false
}

// unsigned lists payloads of the pool without a signature, or with an empty one.
const unsigned = `for f in www/pool/*.tar.xz; do test -s "$f.asc" || ls -l "$f"; done`

// exceptionRemedy makes a remedy precise: with the names that the exception has,
// and file, the last new file of the device, as commands.
func exceptionRemedy(exception, remedy string, file string) (string, []string) {
	again := "bin/import-images -vv"
	name := exceptionName.FindStringSubmatch(exception)
	has := func(text string) bool { return strings.Contains(exception, text) }
	remove := func(p string) string {
		p = strings.TrimSuffix(p, ".asc")
		meta := strings.TrimSuffix(p, ".tar.xz") + ".json"
		return fmt.Sprintf("rm -f -- %s %s %s %s", shellWord(p), shellWord(p+".asc"), shellWord(meta), shellWord(meta+".asc"))
	}
	switch {
	case has("Destination already exists:"):
		return remedy, []string{"ls -l www/*.new* www/*/*.new* www/*/*/*.new* www/*/*/*/*.new*", "bin/cleanup-tree", again}
	case has("The GPG file signature doesn't exists:"):
		_, p, _ := strings.Cut(exception, "doesn't exists: ")
		return remedy, []string{remove(strings.TrimSpace(p)), "bin/cleanup-tree", again}
	case has("No space left on device"):
		return remedy, []string{"df -h . /tmp", unsigned, "ls -ld /tmp/tmp????????", again}
	case has("Invalid GPG key name"), has("InvalidSigners"), has("Unusable secret key"):
		return remedy, []string{"for k in secret/gpg/keys/*; do gpg --homedir \"$k\" -K; done", unsigned, again}
	case has("ReadError"), has("BadGzipFile"), has("EOFError"), has("not a gzip file"), has("LZMAError"):
		if strings.HasPrefix(file, "pool/") {
			return remedy, []string{"xz -dc " + shellWord("www/"+file) + " | head -c 300", remove(path.Join("www", file)), "bin/cleanup-tree", again}
		}
		return remedy, []string{unsigned, again}
	case has("Missing channel section") && name != nil:
		return fmt.Sprintf("in etc/config, add the section [%s], or take the channel out of channels in [global]; until then nothing at all is done", name[1]), []string{again}
	case has("Missing file entry") && name != nil:
		return fmt.Sprintf("in etc/config, add %s to the section whose files name it, or correct the name there; until then nothing at all is done", name[1]), []string{again}
	case has("has no attribute 'split'"):
		return "in etc/config, take the blank behind a comma out of the value of a file_ key: the value counts as a list there; until then nothing at all is done",
			[]string{"grep -nE '^file_.*, ' etc/config", again}
	case has("invalid literal for int()"), has("int() argument"):
		return "in etc/config, versionbase, fullcount and ssh_port must be whole numbers; until then nothing at all is done",
			[]string{"grep -nE '^(versionbase|fullcount|ssh_port)' etc/config", again}
	case has("has no attribute 'public_"):
		return remedy + ": add public_fqdn, public_http_port and public_https_port to [global]", []string{again}
	case has("Invalid generator:"):
		_, g, _ := strings.Cut(exception, "Invalid generator: ")
		return remedy, []string{"grep -n -F -e " + shellWord("= "+g+";") + " etc/config", again}
	case has("unknown url type"):
		_, u, _ := strings.Cut(exception, "unknown url type: ")
		u = strings.Trim(u, "'\"")
		return remedy + "; it must begin with http:// or https://", []string{"grep -n -F -e " + shellWord(u) + " etc/config", again}
	}
	return remedy, []string{again}
}

var exceptionName = regexp.MustCompile(`Missing (?:channel section|file entry): ([^'"]+)`)

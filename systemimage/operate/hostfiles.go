package operate

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// landing-read FILE: its content. Of several files a line "SIZE FILE" for each that is
// there, an empty line, and then their contents, one behind the other: two programs,
// however many they are.
const (
	readScriptName = "landing-read"
	readScript     = `
[ $# -gt 1 ] || exec cat -- "$1"
stat -L -c '%s %n' -- "$@" 2>/dev/null
echo
cat -- "$@"
`
)

// readSome reads some files with one command into texts; what may not be read is not
// there. Those of an answer that a commit has cut in pieces are read in halves.
func (s *Server) readSome(ctx context.Context, op string, paths []string, texts map[string][]byte) error {
	if n := len(paths); n > 1 {
		whole, err := s.readMany(ctx, op, paths, texts)
		if whole || err != nil {
			return err
		}
		if err := s.readSome(ctx, op, paths[:n/2], texts); err != nil {
			return err
		}
		return s.readSome(ctx, op, paths[n/2:], texts)
	}
	file := s.root() + "/www/" + paths[0]
	out, err := s.Runner.Run(ctx, command.Look(readScriptName, readScript, file))
	switch {
	case err != nil:
		return &systemimage.Error{Op: op, Place: file, Err: err}
	case out.Truncated:
		return &systemimage.Error{Op: op, Place: file, Kind: systemimage.ErrMalformed, Err: errors.New("is longer than the runner's limit: it cannot be looked at")}
	case out.Exit == 0:
		texts[paths[0]] = out.Stdout
	}
	return nil
}

// readMany reads more than one file with one command into texts, or none of them when the
// answer is not whole.
func (s *Server) readMany(ctx context.Context, op string, paths []string, texts map[string][]byte) (whole bool, err error) {
	var files []string
	for _, p := range paths {
		files = append(files, s.root()+"/www/"+p)
	}
	out, err := s.Runner.Run(ctx, command.Look(readScriptName, readScript, files...))
	if err != nil {
		return false, &systemimage.Error{Op: op, Place: files[0], Err: err}
	}
	parts, whole := splitFiles(out.Stdout, files)
	if !whole || out.Truncated {
		return false, nil
	}
	for n, p := range paths {
		if parts[n] != nil {
			texts[p] = parts[n]
		}
	}
	return true, nil
}

// splitFiles takes the answer of landing-read apart: the text of each file, nil of
// one that is not there. It is whole when it has as many bytes as the files had right
// before: none was cut, grew or may not be read.
func splitFiles(answer []byte, files []string) (texts [][]byte, whole bool) {
	head, rest, whole := bytes.Cut(append([]byte("\n"), answer...), []byte("\n\n"))
	if !whole {
		return nil, false
	}
	lines := bytes.Split(head, []byte("\n"))[1:]
	for _, f := range files {
		if len(lines) == 0 {
			texts = append(texts, nil)
			continue
		}
		word, named := strings.CutSuffix(string(lines[0]), " "+f)
		if !named {
			texts = append(texts, nil)
			continue
		}
		size, err := strconv.Atoi(word)
		if err != nil || size < 0 || size > len(rest) {
			return nil, false
		}
		texts, rest, lines = append(texts, rest[:size:size]), rest[size:], lines[1:]
	}
	return texts, len(lines) == 0 && len(rest) == 0
}

// Signatures reads on the host the signatures of indexes, by the paths of these in
// channels.json, a thousand with one command: for [systemimage.Client.ReadAhead], which
// then asks for the indexes alone. What is not there or may not be read is left out, and
// all that one command reads when one of them changes meanwhile.
func (s *Server) Signatures(ctx context.Context, indexes []string) (map[string][]byte, error) {
	if err := s.usable("read signatures", false); err != nil {
		return nil, err
	}
	var files []string
	for _, index := range indexes {
		if p := strings.TrimPrefix(index, "/"); plainPath(p) {
			files = append(files, p+".asc")
		}
	}
	texts, known := map[string][]byte{}, map[string][]byte{}
	for some := range slices.Chunk(files, 2*maxFilesAtOnce) {
		if len(some) > 1 { // one is asked for as soon over the network
			if _, err := s.readMany(ctx, "read signatures", some, texts); err != nil {
				return nil, err
			}
		}
	}
	for _, index := range indexes {
		if text := texts[strings.TrimPrefix(index, "/")+".asc"]; len(text) > 0 {
			known[index] = text
		}
	}
	return known, nil
}

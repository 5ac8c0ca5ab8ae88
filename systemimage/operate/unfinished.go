package operate

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/landingteam/landing/runbook/command"
	"github.com/landingteam/landing/systemimage"
)

// A program writes a payload, signs it, and names it in an index last. Killed before
// that it leaves a file that nobody signs any more: every later run takes a file of that
// name as it is, and stops for want of the signature, or publishes an empty one. What no
// index names can go, when every index is in its place; whoever began the import that
// was killed lets it go, nobody else does unasked.
//
// Behind the signature it writes a .json with what the payload is. One that is empty, from
// a kill or a full disk, ends every run that comes to the payload; without one they take
// what the configuration says. That of a version tarball is all that knows the details of
// its image.

const (
	unfinishedScriptName = "landing-unfinished"

	// landing-unfinished WWW MODE FILE...: "named FILE" of those that an index names, in
	// the form that the programs write, also in one that a commit is about to put into
	// its place. With the MODE remove the others go, if they still lack a signature, or
	// their .json is empty: "removed FILE".
	unfinishedScript = `
cd "$1" || exit 3
mode=$2
shift 2
for f in "$@"; do
	if find . -path ./pool -prune -o \( -name index.json -o -name index.json.new \) -exec cat {} + | grep -qF -- "\"/$f\""; then
		echo "named $f"
	elif [ "$mode" = remove ]; then
		json=${f%.tar.xz}.json
		if [ -s "$f.asc" ] && [ ! -s "$json" ]; then rm -f -- "$f" "$f.asc" "$json" "$json.asc" && echo "removed $f"
		elif [ ! -s "$f.asc" ]; then rm -f -- "$f" "$f.asc" && echo "removed $f"
		fi
	fi
done
echo end
`
	unfinished = "unfinished-payload"
)

// plainName reports whether the programs write a name into an index as it is.
func plainName(p string) bool {
	return plainPath(p) && !strings.ContainsFunc(p, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' })
}

// notYetNamed sorts the payloads without a signature by whether an index names them.
// While somebody holds the lock nothing is unfinished: it may be at work on it.
func (s *Server) notYetNamed(ctx context.Context, op string, t *treeState, look inspection) error {
	var files []string
	for _, p := range slices.Concat(t.unsigned, t.emptySig, t.empty) {
		if plainName(p) {
			files = append(files, p)
		}
	}
	if len(files) == 0 {
		return nil
	}
	answers, err := s.askUnfinished(ctx, op, "", files)
	if err != nil {
		return err
	}
	t.named = answers["named"]
	if look.imports && !viewLock(ctx, s.Runner, s.root()).held {
		t.unfinished = slices.DeleteFunc(files, func(p string) bool { return slices.Contains(t.named, p) })
	}
	return nil
}

// askUnfinished runs the script, and returns the files of its answer by their word.
func (s *Server) askUnfinished(ctx context.Context, op, mode string, files []string) (map[string][]string, error) {
	c := command.Script(unfinishedScriptName, unfinishedScript, append([]string{s.root() + "/www", mode}, files...)...)
	c.Reads = mode == ""
	out, err := s.Runner.Run(ctx, c)
	if err != nil {
		return nil, &systemimage.Error{Op: op, Place: s.root() + "/www", Err: err}
	}
	answers, whole := map[string][]string{}, false
	for line := range strings.Lines(string(out.Stdout)) {
		word, file, _ := strings.Cut(strings.TrimRight(line, "\n"), " ")
		answers[word] = append(answers[word], file)
		whole = word == "end"
	}
	if out.Exit != 0 || !whole {
		return nil, &systemimage.Error{Op: op, Place: s.root() + "/www", Kind: systemimage.ErrBroken, Err: errors.New(ending{program: unfinishedScriptName, Output: out}.String())}
	}
	return answers, nil
}

// unnamed tells of the payloads without a signature, or with an empty one.
func (j *judgement) unnamed(p, class, lacks string, published bool) {
	switch {
	case published: // a rule of its own
	case slices.Contains(j.t.named, p):
		j.add(class, p, lacks+" though an index names it: devices refuse that image, and an import that takes it stops there", "run re-sign-indexes", j.look.imports)
	case slices.Contains(j.t.unfinished, p) && slices.ContainsFunc(j.all, func(f systemimage.Finding) bool { return f.Blocks && f.Class != unfinished }):
		j.add(class, p, lacks, "look at it again when the rest is mended: an index that names it may be missing", true)
	case slices.Contains(j.t.unfinished, p):
		j.add(unfinished, p, lacks+", and no index names it: a killed program left it, and every import that comes to it stops there or publishes it so",
			"run rm -f -- "+j.onHost(p)+" "+j.onHost(p)+".asc", true)
	default:
		j.add(class, p, lacks+": whatever reuses it stops there, every import, or publishes it so",
			"run rm -f -- "+j.onHost(p)+" "+j.onHost(p)+".asc, when nothing runs", slices.Contains(j.look.reused, p))
	}
}

// emptyMetadata tells of a signed payload whose .json is empty.
func (j *judgement) emptyMetadata(p string, published bool) {
	metadata := strings.TrimSuffix(p, ".tar.xz") + ".json"
	const class, dies = "empty-metadata", "is empty, as a killed program or a full disk leaves it: "
	switch inPool := strings.HasPrefix(p, "pool/"); {
	case slices.Contains(j.t.unfinished, p) && !slices.ContainsFunc(j.all, func(f systemimage.Finding) bool { return f.Blocks && f.Class != unfinished }):
		j.add(unfinished, metadata, dies+"every run that comes to its payload, which no index names, stops there",
			strings.Join([]string{"run rm -f --", j.onHost(p), j.onHost(p) + ".asc", j.onHost(metadata), j.onHost(metadata) + ".asc"}, " "), true)
	case inPool:
		j.add(class, metadata, dies+"every import that comes to its payload stops there, and a copy of it",
			"run rm -f -- "+j.onHost(metadata)+" "+j.onHost(metadata)+".asc, when nothing runs: the payload stays, and the programs know without it what it is", j.look.imports || published)
	default:
		j.add(class, metadata, dies+"copies of this image and its aliases stop there", putBack, j.look.imports)
	}
}

// finishImport brings to an end what a killed import of ours has left, when nothing runs
// on the server: it mends every index whose commit was cut short, and takes away the
// payloads without a signature, if they are all that is wrong then. It says what it did
// to the indexes, and which files went.
func (s *Server) finishImport(ctx context.Context) (mended, gone []string, err error) {
	findings, t, err := s.lookAtAll(ctx)
	if err != nil {
		return nil, nil, err
	}
	l, err := s.Client.Channels(ctx)
	if err != nil {
		return nil, nil, err
	}
	left := slices.DeleteFunc(allPlaces(l), func(p place) bool { return !t.leftOver(p.dir) })
	if len(left)+len(t.unfinished) == 0 {
		return nil, nil, nil
	}
	// Whoever takes the lock from here on finds these files, and writes none of them.
	if v := viewLock(ctx, s.Runner, s.root()); !v.seen || v.held {
		return nil, nil, nil
	}
	if len(left) > 0 {
		if mended, err = s.mendLeft(ctx, left, mendRules{explained: true}); err == nil {
			findings, t, err = s.lookAtAll(ctx)
		}
	}
	if err != nil || len(t.unfinished) == 0 ||
		slices.ContainsFunc(findings, func(f systemimage.Finding) bool { return f.Blocks && f.Class != unfinished }) {
		return mended, nil, err
	}
	answers, err := s.askUnfinished(ctx, importOp, "remove", t.unfinished)
	gone = answers["removed"]
	s.log().InfoContext(ctx, "removed what a killed import left", "files", gone)
	return mended, gone, err
}

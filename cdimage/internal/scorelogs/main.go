// Scorelogs compares what package cdimage says about a folder of build logs
// with the folder's expected.json, and prints how many cases of each class
// come out right.
//
//	go run ./cdimage/internal/scorelogs [-json] FOLDER
//
// With -json it prints what it says about each file instead of the counts.
// The exit status is 0 when all cases are right, 1 when some are not, 2 when
// the folder cannot be read.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"

	"github.com/landingteam/landing/cdimage/internal/score"
)

func main() {
	verdicts := flag.Bool("json", false, "print the verdicts")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: scorelogs [-json] FOLDER   (the folder with expected.json)")
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	scores, err := score.Folder(os.DirFS(flag.Arg(0)))
	if err == nil && *verdicts {
		err = printVerdicts(scores)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scorelogs:", err)
		os.Exit(2)
	}
	if !*verdicts {
		printCounts(scores)
	}
	if slices.ContainsFunc(scores, func(s score.Score) bool { return len(s.Misses) > 0 }) {
		os.Exit(1)
	}
}

func printVerdicts(scores []score.Score) error {
	type verdict struct {
		File    string   `json:"file"`
		Kind    string   `json:"kind"`
		Verdict any      `json:"verdict"`
		Misses  []string `json:"misses,omitempty"`
	}
	var all []verdict
	for _, s := range scores {
		all = append(all, verdict{s.File, s.Kind, s.Got, s.Misses})
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(all)
}

func printCounts(scores []score.Score) {
	type count struct{ right, all int }
	classes := map[string]*count{}
	var names []string
	var total count
	for _, s := range scores {
		c := classes[s.Class()]
		if c == nil {
			c = &count{}
			classes[s.Class()] = c
			names = append(names, s.Class())
		}
		c.all++
		total.all++
		if len(s.Misses) == 0 {
			c.right++
			total.right++
			continue
		}
		fmt.Printf("%s:\n", s.File)
		for _, m := range s.Misses {
			fmt.Printf("  %s\n", m)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Printf("%-28s %3d of %3d\n", n, classes[n].right, classes[n].all)
	}
	fmt.Printf("%-28s %3d of %3d\n", "all", total.right, total.all)
}

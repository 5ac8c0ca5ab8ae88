// Scorelogs compares what package cdimage says about a folder of build logs
// with the folder's expected.json, and prints how many cases of each class
// come out right.
//
//	go run ./examples/scorelogs FOLDER
//
// The exit status is 0 when all cases are right, 1 when some are not, 2 when
// the folder cannot be read.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/landingteam/landing/cdimage/cdimagetest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: scorelogs FOLDER   (the folder with expected.json)")
		os.Exit(2)
	}
	scores, err := cdimagetest.ScoreFolder(os.DirFS(os.Args[1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, "scorelogs:", err)
		os.Exit(2)
	}
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
	if total.right < total.all {
		os.Exit(1)
	}
}

package web

import (
	"strings"

	"github.com/landingteam/landing/runbook/internal/linediff"
)

// maxDiff bounds the lines of either text that are compared.
const maxDiff = 2000

// diff compares two texts line by line.
func diff(before, now string) []linediff.Line { return linediff.Lines(lines(before), lines(now)) }

func lines(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(text, "\n")
	if len(list) > maxDiff {
		list = append(list[:maxDiff:maxDiff], "… the rest stands in the records of the run")
	}
	return list
}

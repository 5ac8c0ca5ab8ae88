package lab_test

import (
	"fmt"
	"github.com/landingteam/landing/runbook"
	"os"
)

func dump(v *verdict) {
	if os.Getenv("SIMDUMP") == "" {
		return
	}
	for _, r := range v.records {
		fmt.Println(r.N, r.Time.Format("15:04:05"), r.Verb, r.Kind, r.Step, "|", r.Intent, "|", string(r.Result), "|", r.Error, r.Seen, r.Reason)
	}
	if os.Getenv("SIMDUMP") == "2" {
		fmt.Println(v.w.trace.String())
	}
	_ = runbook.Done
}

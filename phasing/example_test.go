package phasing_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/landingteam/landing/phasing"
)

func ExampleDraw() {
	id, err := phasing.MachineID([]byte("0123456789abcdef0123456789abcdef\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	channel := phasing.SeedChannel("", "") // a channel without an alias
	number := phasing.Draw(channel, 1400, id)
	fmt.Printf("seed %s.1400.…: number %d, offered from %v on\n", channel, number, phasing.EntersAt(number))
	// Output: seed None.1400.…: number 13, offered from 13% on
}

func ExamplePercent_Share() {
	for _, p := range []phasing.Percent{0, 1, 10, 50, 100} {
		fmt.Printf("%4v reaches %6.2f %%\n", p, 100*p.Share())
	}
	// Output:
	//   0% reaches   0.00 %
	//   1% reaches   1.98 %
	//  10% reaches  10.89 %
	//  50% reaches  50.50 %
	// 100% reaches 100.00 %
}

func ExamplePercent_Admits() {
	fmt.Println(phasing.Percent(10).Admits(10), phasing.Percent(10).Admits(11), phasing.Percent(0).Admits(0))
	// Output: true false false
}

func ExampleAdmitted() {
	ids := []string{
		"63184406308d71a9d07957a843ad4ed9",
		"85859669cbed2408b4d55511055c6021",
		"0123456789abcdef0123456789abcdef",
	}
	draws := phasing.Draws("ubuntu-touch/stable", 42, slices.Values(ids))
	for id := range phasing.Admitted(draws, 10) {
		fmt.Println(id)
	}
	// Output: 0123456789abcdef0123456789abcdef
}

func ExampleParseSchedule() {
	s, err := phasing.ParseSchedule("1% 2h ask, 10% 6h, 50% 12h ask, 100%")
	if err != nil {
		fmt.Println(err)
		return
	}
	for at, step := range s.Timeline(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) {
		fmt.Println(at.Format("Mon 15:04"), step.Percent)
	}
	_, err = phasing.ParseSchedule("1% 2h, 50% 6h, 10%")
	fmt.Println(err)
	// Output:
	// Mon 09:00 1%
	// Mon 11:00 10%
	// Mon 17:00 50%
	// Tue 05:00 100%
	// phasing: column 16 of "1% 2h, 50% 6h, 10%": 10% follows 50%: percentages must rise
}

func ExampleCourse_At() {
	s, err := phasing.ParseSchedule("1% 2h, 10% 6h, 100%")
	if err != nil {
		fmt.Println(err)
		return
	}
	hour := func(h int) time.Time { return time.Date(2026, 3, 2, h, 0, 0, 0, time.UTC) }
	r := phasing.Course{Schedule: s, Start: hour(9)}
	if r, err = r.Halt(hour(12)); err != nil {
		fmt.Println(err)
		return
	}
	if r, err = r.Resume(hour(15)); err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range []int{10, 13, 16} {
		state, err := r.At(hour(h))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d:00 %v", h, state.Percent)
		if !state.NextAt.IsZero() {
			fmt.Printf(", %v at %s", state.Next, state.NextAt.Format("15:04"))
		}
		fmt.Println()
	}
	// Output:
	// 10:00 1%, 10% at 11:00
	// 13:00 0%
	// 16:00 10%, 100% at 20:00
}

func ExampleRaise() {
	_, err := phasing.Raise(50, 10)
	fmt.Println(err)
	// Output: phasing: 50% is published and 10% would lower it: devices lose the offer; halt the rollout if that is meant
}

func ExampleCensus() {
	var census phasing.Census
	ids := func(yield func(string) bool) {
		for i := range 10_000 {
			if !yield(fmt.Sprintf("%032x", i)) {
				return
			}
		}
	}
	for _, number := range phasing.Draws("None", 42, ids) {
		census.Add(number)
	}
	fmt.Printf("10%% admits %d of %d\n", census.Admitted(10), census.Total())
	// Output: 10% admits 1062 of 10000
}

package debversion_test

import (
	"fmt"

	"github.com/landingteam/landing/launchpad/debversion"
)

func ExampleCompare() {
	fmt.Println(debversion.Compare("1.10", "1.9"), debversion.Compare("1.0~rc1", "1.0"))
	// Output: 1 -1
}

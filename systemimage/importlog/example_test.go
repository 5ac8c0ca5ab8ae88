package importlog_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/landingteam/landing/systemimage/importlog"
)

func ExampleParse() {
	const text = `2026-11-22 09:57:53,103 INFO Processing channel: ubuntu-touch/rc-proposed/bq-aquaris.en
2026-11-22 09:57:53,103 INFO Processing device: krillin
2026-11-22 09:57:53,104 INFO Calling 'http' generator for a new file
2026-11-22 09:57:53,110 ERROR HTTP Error 404: File not found
2026-11-22 09:57:53,110 ERROR Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
2026-11-22 09:57:53,110 INFO No image will be produced because the 'http' generator returned None
2026-11-22 09:57:53,111 INFO Processing device: vegetahd
2026-11-22 09:57:53,112 INFO Calling 'htpt' generator for a new file
Traceback (most recent call last):
  File "bin/import-images", line 192, in <module>
Exception: Invalid generator: htpt
`
	run, err := importlog.Parse(strings.NewReader(text))
	if err != nil {
		log.Fatal(err)
	}
	run.Expect([]string{"ubuntu-touch/rc-proposed/bq-aquaris.en", "ubuntu-touch/rc-proposed/meizu.en"}, nil)
	for _, e := range run.Entries {
		fmt.Println(e.Channel, e.Device, e.Outcome)
		fmt.Println("  because:", e.Cause)
		fmt.Println("  so:", e.Remedy)
	}
	// Output:
	// ubuntu-touch/rc-proposed/bq-aquaris.en krillin cancelled
	//   because: HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//   so: the file is not at this address: upload it, or correct the address in etc/config
	// ubuntu-touch/rc-proposed/bq-aquaris.en vegetahd aborted
	//   because: Exception: Invalid generator: htpt
	//   so: correct the generator in etc/config: every channel after this one waits for it
	// ubuntu-touch/rc-proposed/meizu.en  not reached
	//   because: Exception: Invalid generator: htpt
	//   so: correct the generator in etc/config: every channel after this one waits for it
}

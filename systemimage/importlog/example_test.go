package importlog_test

import (
	"fmt"
	"log"
	"os"
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
		fmt.Println("  because:", e.Cause.Problem)
		fmt.Println("  so:", e.Cause.Remedy)
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

// Say from a saved log why a device got no image.
func ExampleDiagnose() {
	text := `2026-11-22 09:58:01,577 INFO Processing channel: ubuntu-touch/rc-proposed/bq-aquaris.en
2026-11-22 09:58:01,577 INFO Processing device: krillin
2026-11-22 09:58:02,000 INFO Calling 'http' generator for a new file
2026-11-22 09:58:02,117 ERROR HTTP Error 404: File not found
2026-11-22 09:58:02,122 ERROR Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
2026-11-22 09:58:02,122 INFO No image will be produced because the 'http' generator returned None
2026-11-22 09:58:02,300 INFO Triggering a mirror sync
`
	report, err := importlog.Diagnose(strings.NewReader(text), importlog.Options{
		Channel: "ubuntu-touch/rc-proposed/bq-aquaris.en", Device: "krillin",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := report.WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// The import of ubuntu-touch/rc-proposed/bq-aquaris.en for krillin: the generator http gave no file, so that no image was made, with exit status 0: HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//
	// Looked at:
	//   * the log of one run (2026-11-22 09:58:01,577 to 2026-11-22 09:58:02,300, the server's time, level INFO)
	//
	// What happened:
	//   * ubuntu-touch/rc-proposed/bq-aquaris.en for krillin: cancelled at the generator http
	//
	// Cause 1 of 1 (source), ubuntu-touch/rc-proposed/bq-aquaris.en for krillin:
	//   the generator http gave no file, so that no image was made, with exit status 0: HTTP Error 404: File not found; Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//     > line 4: 2026-11-22 09:58:02,117 ERROR HTTP Error 404: File not found
	//     > line 5: 2026-11-22 09:58:02,122 ERROR Failed to retrieve url http://jenkins.example.net/krillin/device_krillin.tar.xz
	//     > line 6: 2026-11-22 09:58:02,122 INFO No image will be produced because the 'http' generator returned None
	//   Remedy: the file is not at this address: upload it, or correct the address in etc/config
	//     $ curl -sSIL --max-time 20 http://jenkins.example.net/krillin/device_krillin.tar.xz
}

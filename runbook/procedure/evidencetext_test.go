package procedure

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A change of the configuration is shown as a difference, and what is approved is the
// evidence, byte for byte as without the text.
func TestConfigEditText(t *testing.T) {
	t.Parallel()
	e := configEdit{File: "/etc/config", Changes: []string{"[global] channels: a, b"}, Diff: []string{"--- a", "+++ b", "-channels = a", "+channels = <a>, b"}, Lint: []string{"line 3: worth knowing: x"}}
	got, err := e.shown().AppendText(nil)
	want := "/etc/config\n- [global] channels: a, b\n\n--- a\n+++ b\n-channels = a\n+channels = <a>, b\n\nMistakes that it would bring:\n- line 3: worth knowing: x"
	if d := cmp.Diff(want, string(got)); d != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	plain, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if with, err := json.Marshal(e.shown()); err != nil || string(with) != string(plain) {
		t.Errorf("JSON %s, %v, want %s", with, err, plain)
	}
}

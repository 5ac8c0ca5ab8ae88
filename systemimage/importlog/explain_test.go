package importlog

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// traceback is one of the server's programs, with the functions that it leads
// through.
func traceback(exception string, functions ...string) string {
	text := "Traceback (most recent call last):\n"
	for n, f := range append([]string{"<module>"}, functions...) {
		text += fmt.Sprintf("  File \"/srv/s/lib/systemimage/x.py\", line %d, in %s\n    do()\n    ^^^^\n", n+1, f)
	}
	return text + exception + "\n"
}

// Exceptions whose words do not say what they mean, by where they come from; and
// the same trouble in the words of other versions of Python and its libraries.
func TestExplainExceptions(t *testing.T) {
	for _, tt := range []struct {
		exception string
		in        []string
		class     string
		remedy    string // a part
	}{
		{"IndexError: list index out of range", []string{"generate_file_version", "sign_file"}, "signing-key-empty", "has no key"},
		{"ValueError: not enough values to unpack (expected 1, got 0)", []string{"sign_file"}, "signing-key-empty", "has no key"},
		{"ValueError: need more than 0 values to unpack", []string{"sign_file"}, "signing-key-empty", "has no key"},
		{"IndexError: list index out of range", []string{"elsewhere"}, "exception", "traceback"},
		{"ValueError: too many values to unpack (expected 1)", []string{"index_json", "sign_file"}, "several-keys", "only one"},
		{"ValueError: too many values to unpack", []string{"sign_file"}, "several-keys", "only one"},
		{"gpgme.GpgmeError: (7, 54, u'Unusable secret key')", []string{"sign_file"}, "signing-key", "expired"},
		{"gpg.errors.GPGMEError: GPGME: No secret key", []string{"sign_file"}, "signing-key", "expired"},
		{"gpg.errors.GPGMEError: GPGME: Inappropriate ioctl for device", []string{"sign_file"}, "key-passphrase", "passphrase"},
		{"gpg.errors.GPGMEError: pinentry: No pinentry", []string{"sign_file"}, "key-passphrase", "passphrase"},
		{"gpg.errors.GPGMEError: gpg-agent: No agent running", []string{"sign_file"}, "gpg-agent", "gpg-agent"},

		{"TypeError: '<' not supported between instances of 'NoneType' and 'int'", []string{"create_image", "index_json"}, "null-version", "null"},
		{"TypeError: '<' not supported between instances of 'int' and 'NoneType'", []string{"list_images", "index_json"}, "null-version", "null"},
		{"TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'", nil, "null-version", "null"},
		{"TypeError: '>' not supported between instances of 'NoneType' and 'int'", nil, "no-verbosity", "-v"},
		{"TypeError: '<' not supported between instances of 'str' and 'int'", []string{"index_json"}, "text-version", "quotation marks"},
		{`TypeError: can only concatenate str (not "int") to str`, nil, "text-version", "quotation marks"},
		{"TypeError: a bytes-like object is required, not 'str'", []string{"generate_file", "generate_file_http"}, "bytes-for-text", "Python 2"},
		{"TypeError: 'str' does not support the buffer interface", []string{"generate_file_http"}, "bytes-for-text", "Python 2"},
		{"TypeError: Type str doesn't support the buffer API", []string{"generate_file_http"}, "bytes-for-text", "Python 2"},
		{"TypeError: sequence item 1: expected str instance, bytes found", nil, "bytes-for-text", "Python 2"},
		{"TypeError: must be str, not bytes", nil, "bytes-for-text", "Python 2"},
		{"TypeError: can't concat str to bytes", nil, "bytes-for-text", "Python 2"},
		{"TypeError: cannot use a string pattern on a bytes-like object", nil, "bytes-for-text", "Python 2"},
		{"TypeError: Object of type bytes is not JSON serializable", nil, "bytes-for-text", "Python 2"},
		{"ModuleNotFoundError: No module named 'gpg'", nil, "python-module", "install"},
		{"ImportError: No module named configparser", nil, "python-module", "install"},
		{"AttributeError: 'dict' object has no attribute 'iteritems'", nil, "python-version", "interpreter"},
		{"NameError: name 'unicode' is not defined", nil, "python-version", "interpreter"},
		{"SyntaxError: invalid syntax", nil, "python-version", "interpreter"},

		{"PermissionError: [Errno 13] Permission denied: '/srv/s/www/pool/x.tar.xz'", nil, "permission", "user"},
		{"IOError: [Errno 13] Permission denied: '/srv/s/state/global.lock'", nil, "permission", "user"},
		{"OSError: [Errno 1] Operation not permitted: '/srv/s/www/x'", nil, "permission", "user"},
		{"OSError: [Errno 122] Disk quota exceeded", nil, "disk-full", "make room"},
		{"OSError: [Errno 30] Read-only file system: '/srv/s/www/channels.json.new'", nil, "disk", "disk"},
		{"OSError: [Errno 5] Input/output error", nil, "disk", "disk"},
		{"OSError: [Errno 12] Cannot allocate memory", []string{"_execute_child"}, "memory", "memory"},
		{"FileNotFoundError: [Errno 2] No such file or directory: 'xz'", []string{"xz_compress", "call", "_execute_child"}, "program-missing", "install"},
		{"FileNotFoundError: [Errno 2] No such file or directory: '/srv/s/www/pool/x.json'", []string{"generate_file_http"}, "file-gone", "put it back"},
		{"FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']", nil, "no-temporary-folder", "TMPDIR"},
		{"KeyboardInterrupt", nil, "interrupted", "left-overs"},
		{"UnicodeEncodeError: 'ascii' codec can't encode character '\\xe9' in position 3", nil, "locale", "LC_ALL"},
		{"UnicodeDecodeError: 'ascii' codec can't decode byte 0xc3 in position 3", nil, "locale", "LC_ALL"},
		{"KeyError: 'devices'", nil, "missing-field", "put it back"},
		{"KeyError: 'version_detail'", nil, "missing-field", "put it back"},
		{`KeyError: "filename 'system/bin/sh' not found"`, []string{"generate_delta", "generate_diff_tarball", "getmember"}, "broken-link", "hard link"},
		{"ValueError: No JSON object could be decoded", []string{"channels_json"}, "damaged-json", "put it back"},
		{"ValueError: Expecting value: line 1 column 1 (char 0)", []string{"index_json"}, "damaged-json", "put it back"},
		{"json.decoder.JSONDecodeError: Extra data: line 3 column 1 (char 9)", []string{"generate_file_remote_system_image"}, "other-server-answer", "no JSON"},
		{"http.client.IncompleteRead: IncompleteRead(12 bytes read, 5 more expected)", nil, "source-broke-off", "broke off"},
		{"ssl.CertificateError: hostname 'a.example.net' doesn't match 'b.example.net'", nil, "certificate", "certificate"},
		{"AttributeError: 'list' object has no attribute 'startswith'", []string{"load_config"}, "path-is-list", "blank"},
		{"requests.exceptions.ConnectionError: HTTPSConnectionPool(host='push.example.net', port=443): Max retries exceeded", nil, "push-host", "published"},
		{"Exception: Phased percentage can only be set on the latest image", nil, "not-newest", "newest"},
		{"IndexError: Version doesn't exist: 7", nil, "no-version", "7"},
	} {
		f := Explain(tt.exception, []byte("2026-11-22 09:58:02,122 INFO hello\n"+traceback("ValueError: an earlier one", "other")+"\nDuring handling of the above exception, another exception occurred:\n\n"+
			traceback(tt.exception, tt.in...)))
		if f.Class != tt.class || !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s in %q is %q with the remedy %q, want %q with %q", tt.exception, tt.in, f.Class, f.Remedy, tt.class, tt.remedy)
		}
	}
}

// The same through a log, with the place and what waits.
func TestDiagnoseEmptyKeyFolder(t *testing.T) {
	log := `2026-11-22 09:58:01,577 INFO Processing channel: a
2026-11-22 09:58:01,577 INFO Processing device: x
2026-11-22 09:58:02,000 INFO Calling 'http' generator for a new file
` + traceback("IndexError: list index out of range", "generate_file", "generate_file_http", "sign_file")
	r, err := Diagnose(strings.NewReader(log), Options{Auto: []string{"a", "b"}})
	if err != nil || len(r.Findings) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	f := r.Findings[0]
	if f.Class != "signing-key-empty" || strings.Contains(f.Remedy, "traceback") {
		t.Errorf("got %+v", f)
	}
	if d := cmp.Diff([]Place{{"a", "x"}}, f.Places()); d != "" {
		t.Errorf("places (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]Place{{Channel: "b"}}, f.Waiting); d != "" {
		t.Errorf("waiting (-want +got)\n%s", d)
	}
}

// Errors after which a generator gave no file.
func TestExplainSources(t *testing.T) {
	for _, tt := range []struct{ text, class, remedy string }{
		{"HTTP Error 429: Too Many Requests", "source-busy", "next import"},
		{"HTTP Error 408: Request Timeout", "source-busy", "next import"},
		{"HTTP Error 410: Gone", "source-not-found", "upload it"},
		{"HTTP Error 302: The HTTP server returned a redirect error that would lead to an infinite loop.", "source-redirects", "address"},
		{"<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:992)>", "source-certificate", "certificate"},
		{"<urlopen error unknown url type: htp>", "source-scheme", "http://"},
		{"<urlopen error no host given>", "source-scheme", "http://"},
		{"[Errno 28] No space left on device", "download-room", "make room"},
		{"[Errno 122] Disk quota exceeded", "download-room", "make room"},
		{"[Errno 13] Permission denied: '/tmp/tmpabcdefgh/download'", "download-folder", "TMPDIR"},
	} {
		f := evidence{event: noFile, generator: "http", text: tt.text + "; Failed to retrieve url http://a.example.net/x"}.explain()
		if f.Class != tt.class || !strings.Contains(f.Remedy, tt.remedy) {
			t.Errorf("%s is %q with the remedy %q, want %q with %q", tt.text, f.Class, f.Remedy, tt.class, tt.remedy)
		}
	}
}

// The generator system-image says as an error what the others say at debug level.
func TestExplainTooFewArguments(t *testing.T) {
	for _, level := range []string{"DEBUG", "ERROR"} {
		run, err := Parse(strings.NewReader(`2026-11-22 09:58:01,577 INFO Processing channel: a
2026-11-22 09:58:01,577 INFO Processing device: x
2026-11-22 09:58:02,000 INFO Calling 'system-image' generator for a new file
2026-11-22 09:58:02,000 ` + level + ` Too few arguments
2026-11-22 09:58:02,000 INFO No image will be produced because the 'system-image' generator returned None
`))
		if err != nil || len(run.Entries) != 1 || run.Entries[0].Cause.Class != "too-few-arguments" {
			t.Errorf("%s: %+v, %v", level, run, err)
		}
	}
}

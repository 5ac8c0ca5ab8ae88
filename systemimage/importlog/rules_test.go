package importlog

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// examples are one piece of evidence for each rule. A new rule needs one.
var examples = map[string]evidence{
	"crashed":           {event: killed, text: "Segmentation fault"},
	"killed":            {event: killed, text: "Killed"},
	"not-begun":         {text: "/bin/sh: 1: bin/import-images: not found"},
	"left-over":         {text: "Exception: Destination already exists: /srv/s/www/c/d/index.json.new.asc"},
	"unsigned-payload":  {text: "Exception: The GPG file signature doesn't exists: /srv/s/www/pool/device-1.tar.xz.asc"},
	"missing-payload":   {text: "Exception: Specified file doesn't exists: /srv/s/www/pool/device-1.tar.xz"},
	"disk-full":         {text: "OSError: [Errno 28] No space left on device"},
	"signing-key":       {text: "IndexError: Invalid GPG key name 'image-signing'."},
	"unknown-generator": {text: "Exception: Invalid generator: cdimage-ubunut"},
	"address-scheme":    {text: "ValueError: unknown url type: 'a.example.net/x'"},
	"address":           {text: "http.client.InvalidURL: nonnumeric port: 'x'"},
	"pool-archive":      {text: "tarfile.ReadError: truncated header", file: "pool/custom-1.tar.xz"},
	"archive-somewhere": {text: "tarfile.ReadError: truncated header", xz: "xz: x: File format not recognized"},
	"source-archive":    {text: "gzip.BadGzipFile: Not a gzipped file (b'<h')"},
	"payload-archive":   {text: "_lzma.LZMAError: Input format not supported by decoder"},
	"missing-section":   {text: "KeyError: 'Missing channel section: channel_a/b'"},
	"missing-file-key":  {text: "KeyError: 'Missing file entry: file_custom'"},
	"mirrors":           {text: "KeyError: 'Missing mirror_default section.'"},
	"blank-comma":       {text: "AttributeError: 'list' object has no attribute 'split'"},
	"not-a-number":      {text: "ValueError: invalid literal for int() with base 10: 'three'"},
	"source-detail":     {text: "AttributeError: 'NoneType' object has no attribute 'split'"},
	"path-is-file":      {text: "NotADirectoryError: [Errno 20] Not a directory: '/srv/cdimage/x'"},
	"not-utf8":          {text: "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0"},
	"public-address":    {text: "AttributeError: 'Config' object has no attribute 'public_fqdn'"},
	"no-config":         {text: "Exception: Configuration file doesn't exist: /srv/s/etc/config"},
	"no-folder":         {text: "Exception: Invalid path: /srv/s/www"},
	"other-server-text": {text: "json.decoder.JSONDecodeError: Expecting value: line 1", generator: "remote-system-image"},
	"empty-metadata":    {text: "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"},
	"damaged-json":      {text: "json.decoder.JSONDecodeError: Expecting value: line 1"},
	"memory":            {text: "MemoryError"},
	"not-http":          {text: "http.client.BadStatusLine: hello"},
	"exception":         {text: "ZeroDivisionError: division by zero"},

	"signing-key-empty":   {text: "IndexError: list index out of range", trace: []string{"sign_file"}},
	"several-keys":        {text: "ValueError: too many values to unpack", trace: []string{"sign_file"}},
	"key-passphrase":      {text: "gpg.errors.GPGMEError: GPGME: Bad passphrase", trace: []string{"sign_file"}},
	"gpg-agent":           {text: "gpg.errors.GPGMEError: gpg-agent: No agent running", trace: []string{"sign_file"}},
	"signing":             {text: "gpg.errors.GPGMEError: GPGME: General error", trace: []string{"sign_file"}},
	"source-lost":         {text: "socket.timeout: timed out"},
	"source-error":        {text: "urllib.error.HTTPError: HTTP Error 503: Service Unavailable"},
	"broken-link":         {text: "KeyError: \"linkname 'a' not found\""},
	"path-is-list":        {text: "AttributeError: 'list' object has no attribute 'startswith'"},
	"locale":              {text: "UnicodeEncodeError: 'ascii' codec can't encode character"},
	"permission":          {text: "PermissionError: [Errno 13] Permission denied: '/srv/s/www/x'"},
	"disk":                {text: "OSError: [Errno 30] Read-only file system: '/srv/s/www/x'"},
	"other-server-answer": {text: "json.decoder.JSONDecodeError: Expecting value", trace: []string{"generate_file_remote_system_image"}},
	"missing-field":       {text: "KeyError: 'images'"},
	"no-verbosity":        {text: "TypeError: '>' not supported between instances of 'NoneType' and 'int'"},
	"null-version":        {text: "TypeError: '<' not supported between instances of 'NoneType' and 'int'"},
	"text-version":        {text: "TypeError: '<' not supported between instances of 'int' and 'str'"},
	"bytes-for-text":      {text: "TypeError: a bytes-like object is required, not 'str'"},
	"python-module":       {text: "ModuleNotFoundError: No module named 'gpg'"},
	"python-version":      {text: "SyntaxError: invalid syntax"},
	"source-broke-off":    {text: "http.client.IncompleteRead: IncompleteRead(1 bytes read)"},
	"certificate":         {text: "ssl.CertificateError: hostname 'a' doesn't match 'b'"},
	"push-host":           {text: "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='a')"},
	"not-newest":          {text: "Exception: Phased percentage can only be set on the latest image"},
	"no-version":          {text: "IndexError: Version doesn't exist: 7"},
	"interrupted":         {text: "KeyboardInterrupt"},
	"no-temporary-folder": {text: "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp']"},
	"program-missing":     {text: "FileNotFoundError: [Errno 2] No such file or directory: 'xz'", trace: []string{"call", "_execute_child"}},
	"file-gone":           {text: "FileNotFoundError: [Errno 2] No such file or directory: '/srv/s/www/x'"},

	"source-busy":        {event: noFile, text: "HTTP Error 429: Too Many Requests"},
	"source-redirects":   {event: noFile, text: "HTTP Error 302: infinite loop"},
	"source-certificate": {event: noFile, text: "<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED]>"},
	"source-scheme":      {event: noFile, text: "<urlopen error unknown url type: htp>"},
	"download-room":      {event: noFile, text: "[Errno 28] No space left on device"},
	"download-folder":    {event: noFile, text: "[Errno 13] Permission denied: '/tmp/x'"},

	"keyring-missing":    {event: noFile, generator: "keyring", news: true},
	"closing-first":      {event: noFile, generator: "version", first: true},
	"version-early":      {event: noFile, generator: "version", news: true},
	"source-not-found":   {event: noFile, generator: "http", text: "HTTP Error 404: File not found"},
	"source-refuses":     {event: noFile, generator: "http", text: "HTTP Error 403: Forbidden"},
	"source-fails":       {event: noFile, generator: "http", text: "HTTP Error 502: Bad Gateway"},
	"source-unreachable": {event: noFile, generator: "http", text: "<urlopen error [Errno 111] Connection refused>"},
	"source-name":        {event: noFile, generator: "http", text: "<urlopen error [Errno -2] Name or service not known>"},
	"source-cut":         {event: noFile, generator: "http", text: "<urlopen error retrieval incomplete: got only 1 out of 2 bytes>"},
	"monitor-text":       {event: noFile, generator: "http", text: "Invalid or missing version number <html>"},
	"other-channel":      {event: noFile, generator: "system-image", text: "Channel not in the published list: a/b"},
	"other-device":       {event: noFile, generator: "system-image", text: "Device not in the channel list: mako"},
	"other-empty":        {event: noFile, generator: "system-image", text: "No images found for device: mako"},
	"other-prefix":       {event: noFile, generator: "system-image", text: "No match found for image 'file=ubuntu' for device 'mako' in channel 'a/b'"},
	"other-server":       {event: noFile, generator: "remote-system-image", hint: "Missing device name in JSON: mako"},
	"cdimage-path":       {event: noFile, generator: "cdimage-ubuntu", hint: "Directory not found: /srv/cdimage/x"},
	"cdimage-misfit":     {event: noFile, generator: "cdimage-custom", hint: "Missing custom tarball: /srv/cdimage/x"},
	"too-few-arguments":  {event: noFile, generator: "http", hint: "Too few arguments"},
	"cdimage-none":       {event: noFile, generator: "cdimage-ubuntu"},
	"source":             {event: noFile, generator: "http", text: "something that nobody has seen"},
	"silent-source":      {event: noFile, generator: "http"},
	"silent-generator":   {event: noFile, generator: "remote-system-image"},

	"locked":              {event: locked},
	"empty-configuration": {event: misread},
	"log-ends":            {event: cutShort},
	"log-not-written":     {event: notLogged, text: "BrokenPipeError: [Errno 32] Broken pipe"},
	"mirror":              {event: untold, text: "ssh: connect to host a.example.net port 22: Connection refused"},
	"not-in-tree":         {event: notInTree, channel: "a/b"},
	"not-auto":            {event: leftOut, channel: "a/b", text: "Skipping non-auto channel: a/b"},
	"left-out":            {event: leftOut, channel: "a/b"},
	"no-device":           {event: noDevice, channel: "a/b", device: "mako"},
	"cut-published":       {event: cutPublished, version: 4, since: "2021-01-04 02:05:02", text: "xz: (stdout): Cannot allocate memory"},
	"cut-in-pool":         {event: cutLeft, text: "xz: (stdout): Cannot allocate memory"},
	"cut-alias":           {event: cutAlias, channel: "a", text: "xz: (stdout): Cannot allocate memory"},
	"cut-somewhere":       {event: cutSomewhere, text: "xz: (stdout): Cannot allocate memory"},
	"page-published":      {event: pageShown, version: 4, text: "device=<html>"},
}

// Every rule is whole, is the first that fits its example, and leaves nothing to be
// filled in.
func TestRules(t *testing.T) {
	abouts := []About{AboutImporter, AboutLock, AboutConfig, AboutRun, AboutSource, AboutTree, AboutImage}
	class := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	var classes []string
	last := map[event]rule{}
	for _, r := range rules {
		classes = append(classes, r.class)
		last[r.on] = r
		if !class.MatchString(r.class) || !slices.Contains(abouts, r.about) || r.remedy == "" || strings.HasSuffix(r.remedy, ".") {
			t.Errorf("the rule %q is not whole: %+v", r.class, r)
		}
		e, ok := examples[r.class]
		if !ok {
			t.Errorf("the rule %q has no example", r.class)
			continue
		}
		f := e.explain()
		if f.Class != r.class {
			t.Errorf("the example of the rule %q is explained by %q", r.class, f.Class)
		}
		if text := f.String() + strings.Join(f.Commands, " "); f.Problem == "" || regexp.MustCompile(`\{[a-z]+\}`).MatchString(text) {
			t.Errorf("the rule %q leaves something to be filled in: %+v", r.class, f)
		}
	}
	slices.Sort(classes)
	if d := cmp.Diff(slices.Compact(slices.Clone(classes)), classes); d != "" {
		t.Errorf("classes that are used twice (-once +all)\n%s", d)
	}
	if len(examples) != len(rules) {
		t.Errorf("%d examples for %d rules", len(examples), len(rules))
	}
	// Whatever happens, a rule fits at last.
	for on, r := range last {
		if f := (evidence{event: on, text: "something that nobody has seen"}).explain(); f.Class == "" {
			t.Errorf("nothing is said of an event after %q", r.class)
		}
	}
}

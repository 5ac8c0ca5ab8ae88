package importlog

import "github.com/landingteam/landing/systemimage"

// An event is what happened, as far as it decides which rules may explain it.
type event int

const (
	died         event = iota // a program ended with an exception
	killed                    // the shell says that it was killed
	noFile                    // a generator returned None, or logged an error
	locked                    // something else held the global lock
	misread                   // an empty configuration was used
	cutShort                  // the log ends before the run does
	notInTree                 // a configured channel was never created
	leftOut                   // a channel had no turn in a complete run
	noDevice                  // a channel does not have the device
	pageShown                 // an image has a page in the place of a version
	cutPublished              // xz failed, which no program minds, and an image was published
	cutLeft                   // xz failed, and nothing was published with it so far
	cutAlias                  // xz failed for an alias
	cutSomewhere              // xz failed for one of several images
	untold                    // a mirror was not told
	notLogged                 // the log could not be written, and the program went on
)

// A rule says what an event means: the first one that fits counts. To add a cause,
// add an entry here, and an example of it in rules_test.go.
//
// {text} in cause, remedy and commands is what the log says, {name} what it says
// behind the words that the rule knows it by, up to a quotation mark. See fields
// for the others. In a command, a word between single quotes is quoted for a shell
// where it has to be.
type rule struct {
	class string // names the rule for programs
	about About
	on    event

	// What must be so for the rule to fit; what is left out does not matter.
	has       []string // one of these is in the text
	in        string   // a function of the server's programs that the traceback leads through
	notIn     []string // functions that it does not lead through
	generator []string // one of these was called, or one that begins so where it ends in a dash
	hint      []string // one of these is in what a DEBUG record said
	first     bool     // it was the first generator of the device
	news      bool     // generators before it had new files
	said      bool     // there is a text
	xz        bool     // xz complained
	file      bool     // the last new file of the device is in the pool

	severity systemimage.Severity // Harmful when empty
	cause    string               // {text} when empty
	remedy   string
	commands []string
	pool     bool // the remedy takes what was cut out of the pool
}

// Commands of several rules.
const (
	again     = "bin/import-images -vv"
	cleanup   = "bin/cleanup-tree"
	whole     = `find www -name '*.tar.xz' -newermt '{since}' ! -exec xz -t {} \; -print`
	keys      = `for k in secret/gpg/keys/*; do gpg --homedir "$k" -K; done`
	unsigned  = `for f in www/pool/*.tar.xz; do test -s "$f.asc" || ls -l "$f"; done`
	remove    = "rm -f -- '{payload}' '{payload}.asc' '{meta}.json' '{meta}.json.asc'"
	beginning = "xz -dc '{payload}' | head -c 300"
	section   = "grep -nF -A12 '[channel_{channel}]' etc/config"
	device    = "echo 'pub.create_device(\"{channel}\", \"{device}\")' | bin/si-shell"
	channel   = "echo 'pub.create_channel(\"{channel}\")' | bin/si-shell"
)

// EmptyConfig is the class of a run that could not parse etc/config.
const EmptyConfig = "empty-configuration"

// sourceUnknown is the class of an error about which nothing is known.
const sourceUnknown = "source"

// jsonErrors are the words of the versions of Python for what is no JSON.
var jsonErrors = []string{"JSONDecodeError", "No JSON object could be decoded", "Expecting value:", "Expecting property name", "Expecting ',' delimiter",
	"Extra data:", "Unterminated string", "Invalid index.json", "Invalid channels.json"}

var rules = []rule{
	// the program died
	{class: "crashed", about: AboutRun, on: killed, has: []string{"Segmentation fault", "Bus error", "Illegal instruction", "Aborted", "code=dumped", "core-dump"},
		cause: "a program crashed: {text}", remedy: "look at the kernel's log: the memory of the server or a library is broken; look for left-overs before the next run", commands: []string{"dmesg | tail", again}},
	{class: "killed", about: AboutRun, on: killed,
		cause: "the program was killed", remedy: "look for left-overs before the next run; it may have run out of memory", commands: []string{again}},
	{class: "not-begun", about: AboutImporter, on: died, has: []string{"sh: ", "/usr/bin/env: ", "can't open file "},
		cause: "the importer did not begin: {text}", remedy: "correct the line of the crontab: the folder it goes to, the path of the program, and PATH, where it is short", commands: []string{"crontab -l", "ls -l bin/import-images", "head -n 1 bin/import-images"}},
	{class: "left-over", about: AboutRun, on: died, has: []string{"Destination already exists:"},
		remedy:   "a killed commit left it over, or another program was committing just then: run cleanup-tree, then again",
		commands: []string{"ls -l www/*.new* www/*/*.new* www/*/*/*.new* www/*/*/*/*.new*", cleanup, again}},
	{class: "unsigned-payload", about: AboutRun, on: died, has: []string{"The GPG file signature doesn't exists: "},
		remedy:   "a killed or failed run left the file without a signature, and every run stops here: delete it, run cleanup-tree, then again",
		commands: []string{remove, cleanup, again}, pool: true},
	{class: "missing-payload", about: AboutRun, on: died, has: []string{"Specified file doesn't exists:"},
		remedy: "put it back from a mirror or a backup", commands: []string{again}},
	{class: "disk-full", about: AboutRun, on: died, has: []string{"No space left on device", "Disk quota exceeded"},
		remedy:   "make room, and delete what this run wrote into the pool and /tmp: it is cut, and the next run would publish it",
		commands: []string{"df -h . /tmp", unsigned, "ls -ld /tmp/tmp????????", again}, pool: true},
	{class: "signing-key", about: AboutRun, on: died, has: []string{"Invalid GPG key name", "InvalidSigners", "Unusable secret key", "No secret key"},
		remedy:   "the signing key on the server is missing or expired: mend it, and delete what this run left unsigned before the next; of several keys in a folder the first counts",
		commands: []string{keys, unsigned, again}},
	{class: "signing-key-empty", about: AboutRun, on: died, has: []string{"list index out of range", "not enough values to unpack", "need more than 0 values"}, in: "sign_file",
		cause:    "{text}: the folder of the signing key is empty",
		remedy:   "the folder of the signing key below secret/gpg/keys has no key: put the key back from a backup, and delete what this run left unsigned before the next",
		commands: []string{keys, unsigned, again}},
	{class: "several-keys", about: AboutRun, on: died, has: []string{"too many values to unpack"}, in: "sign_file",
		cause:    "{text}: the folder of the signing key holds several keys",
		remedy:   "leave only one key in the folder of the signing key below secret/gpg/keys, the one that devices trust, and delete what this run left unsigned before the next",
		commands: []string{keys, unsigned, again}},
	{class: "key-passphrase", about: AboutRun, on: died, has: []string{"Bad passphrase", "No passphrase", "pinentry", "Inappropriate ioctl", "Operation cancelled"}, in: "sign_file",
		remedy:   "the signing key has a passphrase, which the programs cannot give: take it off, and delete what this run left unsigned before the next",
		commands: []string{keys, unsigned, again}},
	{class: "gpg-agent", about: AboutRun, on: died, has: []string{"No agent running", "gpg-agent", "IPC connect call failed", "File name too long"}, in: "sign_file",
		remedy:   "gpg-agent did not start for the folder of the signing key: it must belong to the user who runs the programs, have mode 700, and a path of less than 100 characters; delete what this run left unsigned before the next",
		commands: []string{"ls -ld secret/gpg/keys/*", keys, unsigned, again}},
	{class: "signing", about: AboutRun, on: died, has: []string{"GPGMEError", "GpgmeError", "GPGME: "}, in: "sign_file",
		remedy:   "GnuPG failed: sign a file by hand with the key to see why, and delete what this run left unsigned before the next",
		commands: []string{keys, unsigned, again}},
	{class: "unknown-generator", about: AboutConfig, on: died, has: []string{"Invalid generator: "},
		remedy:   "correct the generator in etc/config: every channel after this one waits for it",
		commands: []string{"grep -n -F -e '= {name};' etc/config", again}},
	{class: "address-scheme", about: AboutConfig, on: died, has: []string{"unknown url type: "},
		remedy:   "correct the address in etc/config: every channel after this one waits for it; it must begin with http:// or https://",
		commands: []string{"grep -n -F -e '{name}' etc/config", again}},
	{class: "address", about: AboutConfig, on: died, has: []string{"InvalidURL", "nonnumeric port"},
		remedy: "correct the address in etc/config: every channel after this one waits for it", commands: []string{again}},
	{class: "pool-archive", about: AboutRun, on: died, has: []string{"ReadError", "LZMAError"}, file: true,
		cause:    "{text}{xz}",
		remedy:   "a payload is no archive, such as a page of an error: delete it from the pool with its .asc and .json, and correct its source; every run stops here until then",
		commands: []string{beginning, remove, cleanup, again}, pool: true},
	{class: "archive-somewhere", about: AboutRun, on: died, has: []string{"ReadError", "LZMAError"}, xz: true,
		cause:    "{text}{xz}",
		remedy:   "a payload is no archive, such as a page of an error: delete it from the pool with its .asc and .json, and correct its source; every run stops here until then",
		commands: []string{unsigned, again}, pool: true},
	{class: "source-archive", about: AboutRun, on: died, has: []string{"BadGzipFile", "EOFError", "not a gzip file", "ReadError"},
		remedy:   "an archive at its source is cut or is none, such as a page of an error: mend it there; every run stops here until then",
		commands: []string{unsigned, again}},
	{class: "payload-archive", about: AboutRun, on: died, has: []string{"LZMAError"},
		remedy:   "a payload is no archive, such as a page of an error: delete it from the pool with its .asc and .json, and correct its source; every run stops here until then",
		commands: []string{unsigned, again}, pool: true},
	{class: "broken-link", about: AboutRun, on: died, has: []string{"KeyError: \"filename '", "KeyError: \"linkname '"},
		remedy:   "an archive has a hard link to a file that is not in it: build it anew at its source, and delete it from the pool with its .asc and .json; every run stops here until then",
		commands: []string{unsigned, again}},
	{class: "missing-section", about: AboutConfig, on: died, has: []string{"Missing channel section: "},
		remedy:   "in etc/config, add the section [{name}], or take the channel out of channels in [global]; until then nothing at all is done",
		commands: []string{again}},
	{class: "missing-file-key", about: AboutConfig, on: died, has: []string{"Missing file entry: "},
		remedy:   "in etc/config, add {name} to the section whose files name it, or correct the name there; until then nothing at all is done",
		commands: []string{again}},
	{class: "mirrors", about: AboutConfig, on: died, has: []string{"Missing mirror", "Missing key in"},
		remedy: "correct the mirrors in etc/config: until then nothing at all is done", commands: []string{again}},
	{class: "path-is-list", about: AboutConfig, on: died, has: []string{"'list' object has no attribute 'startswith'"},
		remedy:   "in etc/config, take the blank behind a comma out of the paths and ssh_key: such a value counts as a list; until then nothing at all is done",
		commands: []string{"grep -nE '^(base_path|gpg_key_path|gpg_keyring_path|publish_path|state_path|ssh_key).*, ' etc/config", again}},
	{class: "blank-comma", about: AboutConfig, on: died, has: []string{"'list' object has no attribute"},
		remedy:   "in etc/config, take the blank behind a comma out of the value of a file_ key: the value counts as a list there; until then nothing at all is done",
		commands: []string{"grep -nE '^file_.*, ' etc/config", again}},
	{class: "not-a-number", about: AboutConfig, on: died, has: []string{"invalid literal for int()", "int() argument"},
		remedy:   "in etc/config, versionbase, fullcount and ssh_port must be whole numbers; until then nothing at all is done",
		commands: []string{"grep -nE '^(versionbase|fullcount|ssh_port)' etc/config", again}},
	{class: "source-detail", about: AboutRun, on: died, has: []string{"'NoneType' object has no attribute 'split'"},
		remedy: "version-N.json of the source image does not say its version_detail: put it back from a mirror or a backup", commands: []string{again}},
	{class: "path-is-file", about: AboutRun, on: died, has: []string{"NotADirectoryError"},
		remedy: "correct the path in etc/config: it names a file, and every channel after this one waits for it", commands: []string{again}},
	{class: "locale", about: AboutRun, on: died, has: []string{"'ascii' codec can't"},
		remedy: "the program runs in a locale without UTF-8: write LC_ALL=C.UTF-8 into the crontab, above the line of the importer", commands: []string{"crontab -l", again}},
	{class: "not-utf8", about: AboutRun, on: died, has: []string{"UnicodeDecodeError"},
		remedy: "etc/config, or what a monitor address answers, is no UTF-8 text", commands: []string{again}},
	{class: "public-address", about: AboutConfig, on: died, has: []string{"has no attribute 'public_"},
		remedy: "etc/config lacks public_fqdn or the ports, or cannot be parsed and counts as empty: add public_fqdn, public_http_port and public_https_port to [global]", commands: []string{again}},
	{class: "permission", about: AboutRun, on: died, has: []string{"Permission denied", "Operation not permitted", "PermissionError"},
		remedy: "the program runs as another user than the one who owns the tree: run it as that user, or give the file back to that user", commands: []string{"ls -ld . state www www/pool secret/gpg/keys", again}},
	{class: "disk", about: AboutRun, on: died, has: []string{"Read-only file system", "Input/output error", "Stale file handle", "Structure needs cleaning"},
		remedy: "the disk of the server fails or is mounted read-only: look at the kernel's log, and compare what was published last with a mirror", commands: []string{"dmesg | tail", "df -h . /tmp", again}},
	{class: "no-config", about: AboutConfig, on: died, has: []string{"Configuration file doesn't exist"},
		remedy: "the folder or file is missing on the server, or the program runs with another root", commands: []string{again}},
	{class: "no-folder", about: AboutRun, on: died, has: []string{"Invalid path:", "global.lock"},
		remedy: "the folder or file is missing on the server, or the program runs with another root", commands: []string{again}},
	{class: "other-server-text", about: AboutRun, on: died, has: jsonErrors, generator: []string{"remote-system-image"},
		remedy:   "the other server answers with something that is no JSON: correct its address in etc/config; every channel after this one waits for it",
		commands: []string{again}},
	{class: "other-server-answer", about: AboutRun, on: died, has: jsonErrors, in: "generate_file_remote_system_image",
		remedy:   "the other server answers with something that is no JSON: correct its address in etc/config; every channel after this one waits for it",
		commands: []string{again}},
	{class: "empty-metadata", about: AboutRun, on: died, has: []string{"Expecting value: line 1 column 1 (char 0)"}, notIn: []string{"index_json", "channels_json"},
		remedy: "a .json beside a payload is empty, as a killed run or a full disk leaves it, and every run stops there: delete it with its .asc, the payload stays; " +
			"that of a version tarball has to be put back; if none is empty, channels.json or an index may be damaged",
		commands: []string{"find www -name '*.json' -size 0", again}},
	{class: "damaged-json", about: AboutRun, on: died, has: jsonErrors,
		remedy: "channels.json, an index or another .json on the server is damaged: put it back from a mirror or a backup", commands: []string{again}},
	{class: "missing-field", about: AboutRun, on: died, has: []string{"KeyError: 'devices'", "KeyError: 'images'", "KeyError: 'global'", "KeyError: 'version'", "KeyError: 'type'",
		"KeyError: 'base'", "KeyError: 'files'", "KeyError: 'path'", "KeyError: 'signature'", "KeyError: 'index'", "KeyError: 'version_detail'", "KeyError: 'alias'", "KeyError: 'checksum'", "KeyError: 'order'", "KeyError: 'size'", "KeyError: 'description'"},
		remedy: "channels.json or an index on the server lacks this key, as after an edit by hand: put it back from a mirror or a backup, and run re-sign-indexes", commands: []string{again}},
	{class: "no-verbosity", about: AboutRun, on: died, has: []string{"'>' not supported between instances of 'NoneType' and 'int'"},
		remedy: "set-phased-percentage needs at least one -v with Python 3: nothing was changed, run it with -v"},
	{class: "null-version", about: AboutTree, on: died, has: []string{"'NoneType' and 'int'", "'int' and 'NoneType'"},
		cause:    "{text}: an index has an image whose version is null",
		remedy:   "copy-image with -k and without -r publishes an image whose version is null: take that image out of its index.json, run re-sign-indexes, then again; every run stops here until then",
		commands: []string{"grep -rl --include=index.json '\"version\": null' www", "bin/re-sign-indexes -vv", again}},
	{class: "text-version", about: AboutTree, on: died, has: []string{"'str' and 'int'", "'int' and 'str'", "(not \"int\") to str"},
		cause:    "{text}: an index has an image whose version is text",
		remedy:   "take the quotation marks off that version in its index.json, run re-sign-indexes, then again; every run stops here until then",
		commands: []string{"grep -rnE --include=index.json '\"(version|base)\": \"' www", "bin/re-sign-indexes -vv", again}},
	{class: "bytes-for-text", about: AboutRun, on: died, has: []string{"bytes-like object", "buffer interface", "buffer API", "not bytes", "bytes found", "to bytes", "'bytes' object", "type bytes", "got 'bytes'"},
		cause:    "{text}: programs that were written for Python 2 run with Python 3",
		remedy:   "until 2020 the programs could read the answer of a monitor with Python 2 only: run them with it, or bring the programs of the server up to date; until then every file with a monitor ends the run",
		commands: []string{"head -n 1 bin/import-images", again}},
	{class: "python-module", about: AboutRun, on: died, has: []string{"ModuleNotFoundError", "ImportError", "No module named"},
		remedy: "a module of Python is missing: install it for the Python that the first line of the program names, such as python3-gpg for gpg", commands: []string{"head -n 1 bin/import-images", again}},
	{class: "python-version", about: AboutRun, on: died, has: []string{"SyntaxError", "IndentationError", "NameError: name 'unicode'", "'iteritems'", "'itervalues'", "'has_key'", "NameError: name 'basestring'"},
		remedy: "another version of Python runs the program than it was written for: correct the interpreter in its first line, or the line of the crontab", commands: []string{"head -n 1 bin/import-images", again}},
	{class: "memory", about: AboutRun, on: died, has: []string{"MemoryError", "Cannot allocate memory"},
		cause: "the server ran out of memory: {text}", remedy: "give it memory, or end what takes it, before the next run", commands: []string{"free -h", again}},
	{class: "source-broke-off", about: AboutSource, on: died, has: []string{"IncompleteRead"},
		remedy: "the download broke off: the next import tries again; every channel after this one waited for it", commands: []string{again}},
	{class: "source-lost", about: AboutSource, on: died, has: []string{"Connection reset by peer", "timed out", "Connection refused", "Remote end closed connection",
		"Name or service not known", "Temporary failure in name resolution", "No address associated", "Network is unreachable", "No route to host"},
		remedy: "the source did not answer, or broke off: the next import tries again; every channel after this one waited for it", commands: []string{again}},
	{class: "not-http", about: AboutRun, on: died, has: []string{"BadStatusLine", "HTTPException", "http.client.", "httplib."},
		remedy: "the source answers something that is not HTTP: correct its address", commands: []string{again}},
	{class: "certificate", about: AboutSource, on: died, has: []string{"CertificateError", "CERTIFICATE_VERIFY_FAILED", "certificate verify failed"},
		remedy: "the certificate of the source is expired, or for another name: tell its owner, or correct its address in etc/config; every channel after this one waits for it", commands: []string{again}},
	{class: "source-error", about: AboutSource, on: died, has: []string{"HTTP Error ", "SSLError", "[SSL: "},
		remedy: "the source answers with an error: correct its address in etc/config, or tell its owner; every channel after this one waits for it", commands: []string{again}},
	{class: "push-host", about: AboutRun, on: died, has: []string{"requests.exceptions."},
		remedy: "the image is published; devices were not told, and aliases, clean-up and mirrors were left out: run cleanup-tree", commands: []string{cleanup}},
	{class: "not-newest", about: AboutRun, on: died, has: []string{"Phased percentage can only be set on the latest image"},
		remedy: "only the newest image has a percentage: give its version"},
	{class: "no-version", about: AboutRun, on: died, has: []string{"Version doesn't exist: "},
		remedy: "the index has no version {name}: give one that it has"},
	{class: "interrupted", about: AboutRun, on: died, has: []string{"KeyboardInterrupt"},
		cause: "somebody stopped the program", remedy: "look for left-overs before the next run", commands: []string{again}},
	{class: "no-temporary-folder", about: AboutRun, on: died, has: []string{"No usable temporary directory"},
		remedy: "the importer cannot write into its temporary folder: make it, make room in it, or correct TMPDIR in the crontab", commands: []string{"df -h /tmp", again}},
	{class: "program-missing", about: AboutRun, on: died, has: []string{"No such file or directory"}, in: "_execute_child",
		remedy: "a program that the importer runs is not there: install the one that is named (xz, ssh), or correct PATH in the crontab, where it is short", commands: []string{"command -v xz ssh gpg", again}},
	{class: "file-gone", about: AboutRun, on: died, has: []string{"No such file or directory"},
		remedy: "put it back, or look what else takes files away while a program runs, such as a clean-up of /tmp", commands: []string{again}},
	{class: "exception", about: AboutRun, on: died,
		remedy: "look at the traceback on the standard error stream", commands: []string{again}},

	// a generator gave no file
	{class: "keyring-missing", about: AboutConfig, on: noFile, generator: []string{"keyring"}, news: true,
		cause: "the keyring tarball or its signature is missing", remedy: "put NAME.tar.xz and NAME.tar.xz.asc into secret/gpg/keyrings (generate-keyrings); no level of the log says so",
		commands: []string{section, again}},
	{class: "closing-first", about: AboutConfig, on: noFile, generator: []string{"keyring", "version"}, first: true,
		cause:    "the {generator} generator stands first in files, where nothing can be new yet: the channel can never publish",
		remedy:   "put keyring and version last in files, in this order",
		commands: []string{section, again}},
	{class: "version-early", about: AboutConfig, on: noFile, generator: []string{"version"},
		cause: "the version generator found no new file, though there are some", remedy: "put keyring and version last in files, in this order",
		commands: []string{section, again}},
	{class: "source-not-found", about: AboutSource, on: noFile, has: []string{"HTTP Error 404", "HTTP Error 410"},
		remedy: "the file is not at this address: upload it, or correct the address in etc/config"},
	{class: "source-busy", about: AboutSource, on: noFile, has: []string{"HTTP Error 408", "HTTP Error 429"},
		remedy: "the source had no time for this: the next import tries again; ask its owner when it stays so"},
	{class: "source-redirects", about: AboutSource, on: noFile, has: []string{"HTTP Error 3"},
		remedy: "the source sends the importer round in a circle: correct the address in etc/config"},
	{class: "source-refuses", about: AboutSource, on: noFile, has: []string{"HTTP Error 4"},
		remedy: "the source refuses: check its address and permissions"},
	{class: "source-fails", about: AboutSource, on: noFile, has: []string{"HTTP Error 5"},
		remedy: "the source's server fails: wait, or tell its owner; the next import tries again"},
	{class: "source-unreachable", about: AboutSource, on: noFile,
		has:    []string{"Connection refused", "timed out", "closed connection", "Connection reset", "No route to host", "unreachable"},
		remedy: "the source's server cannot be reached: wait, or correct its address; the next import tries again"},
	{class: "source-name", about: AboutSource, on: noFile, has: []string{"Name or service not known", "name resolution"},
		remedy: "the name of the source's server cannot be resolved: correct it in etc/config, or mend the resolver"},
	{class: "source-certificate", about: AboutSource, on: noFile, has: []string{"CERTIFICATE_VERIFY_FAILED", "certificate verify failed", "[SSL", "SSL:"},
		remedy: "the certificate of the source is expired, or for another name: tell its owner, or correct the address in etc/config"},
	{class: "source-scheme", about: AboutConfig, on: noFile, has: []string{"unknown url type", "no host given"},
		remedy: "correct the address in etc/config: it must begin with http:// or https:// and the name of a host"},
	{class: "download-room", about: AboutRun, on: noFile, has: []string{"No space left on device", "Disk quota exceeded"},
		remedy:   "the download does not fit: make room in the importer's TMPDIR, which is /tmp when its crontab names none",
		commands: []string{"df -h . /tmp", again}},
	{class: "download-folder", about: AboutRun, on: noFile, has: []string{"Permission denied", "Read-only file system"},
		remedy:   "the importer cannot write into its temporary folder: mend it, or TMPDIR in its crontab",
		commands: []string{"ls -ld /tmp", again}},
	{class: "source-cut", about: AboutSource, on: noFile, has: []string{"retrieval incomplete"},
		remedy: "the download broke off: the next import tries again"},
	{class: "monitor-text", about: AboutSource, on: noFile, has: []string{"Invalid or missing version number"},
		remedy: "the monitor address must answer with one line, the version: look at what it answers"},
	{class: "other-channel", about: AboutSource, on: noFile, has: []string{"Channel not in the published list"},
		remedy: "correct the channel in the arguments of system-image in etc/config"},
	{class: "other-device", about: AboutSource, on: noFile, has: []string{"Device not in the channel list"},
		remedy: "name the device of the other channel with the option device= in etc/config"},
	{class: "other-empty", about: AboutSource, on: noFile, has: []string{"No images found"},
		remedy: "the other channel has no image yet: import it first"},
	{class: "other-prefix", about: AboutSource, on: noFile, has: []string{"No match found"},
		remedy: "the second argument of system-image is a plain prefix of a file name, such as ubuntu"},
	{class: "other-server", about: AboutSource, on: noFile, hint: []string{" in JSON"},
		cause: "the other server does not have it ({hint})", remedy: "correct channel and device in the arguments of remote-system-image in etc/config"},
	{class: "cdimage-path", about: AboutSource, on: noFile, generator: []string{"cdimage-"}, hint: []string{"Directory not found"},
		cause: "{hint}", remedy: "correct the path in etc/config"},
	{class: "cdimage-misfit", about: AboutSource, on: noFile, generator: []string{"cdimage-"}, hint: []string{"Missing "},
		cause:  "no build fits ({hint})",
		remedy: "correct path, series and product of the file in etc/config; with import=good a build must carry .marked_good, which is never logged; -vvv tells more"},
	{class: "too-few-arguments", about: AboutSource, on: noFile, hint: []string{"Too few arguments"},
		cause: "too few arguments", remedy: "complete the arguments of the generator in etc/config"},
	{class: "cdimage-none", about: AboutSource, on: noFile, generator: []string{"cdimage-"},
		cause:  "no build fits: wrong path, series or product, no complete build, or none marked good",
		remedy: "correct path, series and product of the file in etc/config; with import=good a build must carry .marked_good, which is never logged; -vvv tells more"},
	{class: sourceUnknown, about: AboutSource, on: noFile, said: true,
		remedy: "look at the source that is named"},
	{class: "silent-source", about: AboutSource, on: noFile, generator: []string{"http", "http-cdimage"},
		cause: "the source or its monitor failed without a word, as programs of 2016 do", remedy: "ask for both addresses by hand"},
	{class: "silent-generator", about: AboutSource, on: noFile,
		cause: "the {generator} generator gave no file and did not say why", remedy: "run import-images with -vvv and look at its arguments in etc/config"},

	// the run as a whole
	{class: "locked", about: AboutLock, on: locked,
		cause:    "something else held the global lock: nothing was done, with exit status 0",
		remedy:   "find out what holds it; when it has ended, run the importer again",
		commands: []string{"fuser -v state/global.lock", again}},
	{class: EmptyConfig, about: AboutConfig, on: misread,
		cause:    "etc/config cannot be parsed, so an empty configuration was used: nothing was imported",
		remedy:   "mend {lines} of etc/config: each line must be a [section], key = value or a comment, and no section or key may stand twice",
		commands: []string{again}},
	{class: "log-ends", about: AboutRun, on: cutShort,
		cause:  "the log ends before the run does: it was killed, died with its last words elsewhere, or is still running",
		remedy: "look at the standard error stream, and for left-overs before the next run"},
	{class: "log-not-written", about: AboutRun, on: notLogged, severity: systemimage.Risky,
		cause:    "the importer could not write its log and went on: {text}",
		remedy:   "look at the tree, which has what was published; make room for the log, or leave the program that reads it alone",
		commands: []string{"df -h . /tmp", again}},
	{class: "mirror", about: AboutRun, on: untold, severity: systemimage.Risky,
		cause:  "a mirror was not told, and the importer does not mind: {text}",
		remedy: "mend the mirror's address, key or host: see mirrors in [global] and [mirror_default] of etc/config; the next import tells it again"},

	// a channel or a device
	{class: "not-in-tree", about: AboutTree, on: notInTree,
		cause:    "the channel is configured, but was never created in the tree",
		remedy:   "create it in si-shell with pub.create_channel, or take it out of channels in etc/config",
		commands: []string{channel}},
	{class: "not-auto", about: AboutConfig, on: leftOut, has: []string{"Skipping non-auto channel"},
		cause:    "the channel's type is not exactly the word auto (misspelt, another case, or with a comment behind it), so that the importer leaves it out, with exit status 0",
		remedy:   "in etc/config, section [channel_{channel}], write: type = auto; if its images are copied by hand, use copy-image instead",
		commands: []string{"grep -n ^channels etc/config", section, again}},
	{class: "left-out", about: AboutConfig, on: leftOut,
		cause:    "the importer does not process this channel, with exit status 0: it is not in channels of [global], or its type is not exactly the word auto (a comment behind it counts as part of it)",
		remedy:   "in etc/config, section [channel_{channel}], write: type = auto, which must be exactly the word auto; if its images are copied by hand, use copy-image instead",
		commands: []string{"grep -n ^channels etc/config", section, again}},
	{class: "no-device", about: AboutTree, on: noDevice,
		cause: "the channel has no such device", remedy: "create the device in the channel, or correct its name", commands: []string{device}},
	{class: "cut-published", about: AboutImage, on: cutPublished,
		cause:    "version {version} was published although xz failed ({text}): a file of it is cut, with a checksum and a signature that fit",
		remedy:   "devices cannot unpack it: set it to 0 % (examples/backout), give xz the memory or room that it lacked, delete the cut file with its .asc and .json, and import again under a higher version",
		commands: []string{whole, again}},
	{class: "cut-in-pool", about: AboutTree, on: cutLeft,
		cause:    "xz failed ({text}), and what it wrote lies in the tree, cut and signed: the next image with it would be published like that",
		remedy:   "give xz the memory or room that it lacked, and delete the cut file with its .asc and .json before the next import",
		commands: []string{whole, again}},
	{class: "cut-alias", about: AboutImage, on: cutAlias,
		cause:    "xz failed ({text}) while the aliases of the channel were brought up to date: a version tarball of an alias is cut, with a checksum and a signature that fit",
		remedy:   "devices of the alias cannot unpack it: set the image to 0 %, give xz the memory or room that it lacked, and import or copy again under a higher version",
		commands: []string{whole}},
	{class: "cut-somewhere", about: AboutImage, on: cutSomewhere,
		cause:    "xz failed ({text}), and the images of this run were published all the same: at least one of them has a file that is cut, and the log does not say which",
		remedy:   "find the cut file and the image that names it; set that one to 0 % (examples/backout), give xz the memory or room that it lacked, delete the file with its .asc and .json, and import again under a higher version",
		commands: []string{whole, again}},
	{class: "page-published", about: AboutImage, on: pageShown,
		cause:  "version {version} was published with a page in the place of a version: a monitor answered HTML: {text}",
		remedy: "correct the monitor's address or its server, and take the image back (examples/backout): what was downloaded with it is as doubtful"},
}

package cdimage

import "fmt"

// A Rule says that a line which matches Pattern points at a cause of Class.
// The rules are values: copy the table, change or append, and compile it.
//
//	rules, err := cdimage.Compile(append(cdimage.LivefsRules(), cdimage.Rule{
//		Class: cdimage.Network, Pattern: `^curl: \(\d+\) `,
//	}))
type Rule struct {
	Class Class

	// Pattern is RE2, tried on one line without its end. The group (?P<package>)
	// names the package concerned, (?P<item>) what was to be fetched.
	Pattern string

	// Literals are texts of which at least one stands in every line that
	// Pattern matches. Logs are searched for them before anything else, so
	// they decide the speed: ten bytes or more are good, below four bytes
	// every line of the log has to be looked at. Empty: the longest text that
	// Pattern cannot do without is taken.
	Literals []string

	// Rank chooses the deciding line among lines of one class: the highest
	// rank, then the first line. Summaries of what stands above rank below 0.
	Rank int

	// Weak rules count only when nothing else was found in the step.
	Weak bool

	// Scope is what a match in a cd-build-log takes down; see [Cause].
	Scope string

	// Stage confines a rule for cd-build-logs to one stage, named by the
	// beginning of its marker.
	Stage string
}

// LivefsRules returns the rules for livefs build logs. The caller owns the
// slice.
func LivefsRules() []Rule {
	return []Rule{
		{Class: DiskSpace, Pattern: `[Nn]o space left on device`, Literals: []string{"o space left on device"}},
		{Class: DiskSpace, Pattern: `^(?:E|Error): You don't have enough free space in `},

		{Class: Infrastructure, Pattern: `^ABORTING: `, Rank: 2},
		{Class: Infrastructure, Pattern: `Failed to kill all processes`, Rank: 1},
		{Class: Infrastructure, Pattern: `^failed to umount `},
		{Class: Infrastructure, Pattern: `\b(?:Backend|LXD|LXDAPI)Exception\b`, Literals: []string{"BackendException", "LXDException", "LXDAPIException"}, Rank: 1},
		{Class: Infrastructure, Pattern: `^Builder failed`},

		// apt's verdict on an item, whatever it says of the reason; then the
		// details above it, then summaries.
		{Class: Network, Pattern: `^(?:(?:E|Error): )?Failed to fetch ` + fetched + ` +\S`, Rank: 5},
		{Class: Network, Pattern: `^(?:W|Warning): Failed to fetch ` + fetched + ` +\S`, Rank: 4},
		{Class: Network, Pattern: `^(?:[EW]|Error|Warning): Failed to fetch ` + fetched + `\s*$`, Rank: 1},
		{Class: Network, Pattern: `^  +(?:Cannot initiate the connection to |` + networkReasons + `)`, Literals: append(networkLiterals(), "Cannot initiate the connection"), Rank: 2},
		{Class: Network, Pattern: `(?:unable|Unable) to resolve host address`, Literals: []string{"to resolve host address"}, Rank: 4},
		{Class: Network, Pattern: `(?:Could not|Couldn't|could not) resolve (?:host|proxy)`, Literals: []string{"resolve host", "resolve proxy"}, Rank: 4},
		{Class: Network, Pattern: `^(?:E|Error): Couldn't download `, Literals: []string{": Couldn't download "}, Rank: 4},
		{Class: Network, Pattern: `^(?:E|Error): (?:Failed getting release|Invalid Release file|Couldn't retrieve)`, Literals: []string{"Failed getting release", "Invalid Release file", "Couldn't retrieve"}, Rank: 4},
		{Class: Network, Pattern: `^(?:\S+: )?(?:[\d-]+ [\d:]+ )?ERROR (?:40[3478]|429|50[0234]): `, Literals: numbered("ERROR %d: ", 403, 404, 407, 408, 429, 500, 502, 503, 504), Rank: 4},
		{Class: Network, Pattern: `Unable to establish SSL connection|^Read error \(.*\) in headers`, Literals: []string{"Unable to establish SSL", "Read error ("}, Rank: 3},
		{Class: Network, Pattern: `^(?:[\w./-]+: )*curl: \(\d+\) `, Literals: numbered("curl: (%d) ", 5, 6, 7, 16, 18, 22, 28, 35, 52, 55, 56, 92), Rank: 4},
		{Class: Network, Pattern: `^fatal: unable to (?:access '(?:https?|git)://|connect to )|^error: RPC failed`, Literals: []string{"fatal: unable to access '", "fatal: unable to connect to ", "error: RPC failed"}, Rank: 3},
		{Class: Network, Pattern: `^[\w.]*(?:URLError|HTTPError|ConnectionError|gaierror): `, Literals: []string{"URLError: ", "HTTPError: ", "ConnectionError: ", "gaierror: "}, Rank: 3},
		{Class: Network, Pattern: `^(?:[\w.-]+: )*(?:[EWN]: |- |Err\S* |Error: |Warning: |ERROR: |fatal: |error: |curl: |wget: |failed: |[\w.]+(?:Error|Exception|Timeout): |Connecting to |Resolving |ssh: |rsync: |git: |bzr: ).*` + networkReason, Literals: networkLiterals(), Rank: 3},
		{Class: Network, Pattern: `^(?:` + networkReasons + `)`, Literals: networkLiterals(), Rank: 3},
		{Class: Network, Pattern: `^(?:E|Error): (?:Some index files|Some files) failed to download`, Literals: []string{" failed to download"}, Rank: -1},
		{Class: Network, Pattern: `^(?:E|Error): Unable to fetch some archives`, Rank: -1},

		{Class: LivecdRootfs, Pattern: `adjust the values in the livecd-rootfs source`, Rank: 2},
		{Class: LivecdRootfs, Pattern: `doesn't match record`},
		{Class: LivecdRootfs, Pattern: `^(?i:unknown project) \S`, Literals: []string{"nknown project "}, Rank: 1},
		{Class: LivecdRootfs, Pattern: `^Unknown architecture target`, Rank: 1},
		{Class: LivecdRootfs, Pattern: `^bogus variant`, Rank: 1},
		{Class: LivecdRootfs, Pattern: `Fingerprints do not match`},
		{Class: LivecdRootfs, Pattern: `Cannot handle more than one kernel for`},
		{Class: LivecdRootfs, Pattern: `No kernel output for`},
		{Class: LivecdRootfs, Pattern: `^E: .*hooks/.* failed \(exit non-zero\)`, Literals: []string{" failed (exit non-zero)"}, Weak: true},

		{Class: Package, Pattern: `^\s*trying to overwrite (?:shared )?'`, Literals: []string{"trying to overwrite '", "trying to overwrite shared '"}, Rank: 2},
		{Class: Package, Pattern: `^dpkg: error processing (?:package |archive )?(?P<package>\S+)`, Literals: []string{"dpkg: error processing "}, Rank: 1},
		{Class: Package, Pattern: `(?:post|pre)-(?:installation|removal) script .*returned error`, Literals: []string{"-installation script ", "-removal script "}},
		{Class: Package, Pattern: `possibly the package (?P<package>\S+) is at fault`}, // debootstrap

		{Class: Dependency, Pattern: `^ (?P<package>\S+) : (?:Depends|Pre-?Depends|Conflicts|Breaks): `, Literals: []string{" : Depends: ", " : PreDepends: ", " : Pre-Depends: ", " : Conflicts: ", " : Breaks: "}, Rank: 1},
		{Class: Dependency, Pattern: `^(?:E|Error): Package '?(?P<package>[^\s']+)'? has no installation candidate`, Literals: []string{" has no installation candidate"}, Rank: 1},
		{Class: Dependency, Pattern: `you have held broken packages`, Rank: -1},
		{Class: Dependency, Pattern: `pkgProblemResolver::Resolve generated breaks`},
		{Class: Dependency, Pattern: `^(?:E|Error): (?:Unmet dependencies\.|Unable to satisfy dependencies\.)`, Literals: []string{": Unmet dependencies.", ": Unable to satisfy dependencies."}},

		{Class: Seed, Pattern: `^(?:E|Error): Couldn't find task '(?P<package>[^']+)`, Literals: []string{": Couldn't find task "}, Rank: 2},
		{Class: Seed, Pattern: `^(?:E|Error): Unable to locate package (?P<package>\S+)`, Rank: 1},
		{Class: Seed, Pattern: `Unknown package (?P<package>\S+) for seed`, Rank: 1},
		{Class: Seed, Pattern: `^error: (?:cannot \w+ )?snap "(?P<package>[^"]+)" (?:not found|is not available on )`, Literals: []string{"error: snap \"", "error: cannot "}, Rank: 1},
	}
}

// fetched is what apt gets over the network, or has got and unpacks.
const fetched = `(?P<item>(?:https?|ftp|mirror|bzip2|gzip|xz|lzma|lz4|zstd|store|copy|rred):\S*)`

// numbered gives the literals of messages with a number in them.
func numbered(format string, numbers ...int) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, fmt.Sprintf(format, n))
	}
	return out
}

// The texts with which apt, wget, curl, git and debootstrap say that the other
// end did not give what was asked for. They are looked for only behind the
// beginnings that such a line has, because packages are called hash-sum-tools
// and timeout-helper-404.
const networkReasons = `Hash Sum mismatch| 404 +Not Found|404  Not Found|Could not connect to |Unable to connect to [\w.-]+:|` +
	`Connection timed out|Connection failed|Connection refused|Connection reset by peer|Temporary failure resolving|Could not resolve |` +
	`503 +Service|502 +Bad Gateway|504 +Gateway Time|500 +Internal Server |File has unexpected size|Size mismatch|No route to host|Network is unreachable|` +
	`Name or service not known|Temporary failure in name resolution|Max retries exceeded|The requested URL returned error: |` +
	`dial tcp: |TLS handshake timeout|Client\.Timeout exceeded|unexpected (?:HTTP|http) (?:status|response) code`

const networkReason = `(?:` + networkReasons + `)`

func networkLiterals() []string {
	return []string{
		"Hash Sum mismatch", "  Not Found", "404 Not Found", "Could not connect to ", "Unable to connect to ",
		"Connection timed out", "Connection failed", "Connection refused", "Connection reset by peer", "Temporary failure resolving", "Could not resolve ",
		"503  Service", "503 Service", "Bad Gateway", "Gateway Time", "Internal Server ", "File has unexpected size", "Size mismatch", "No route to host", "Network is unreachable",
		"Name or service not known", "Temporary failure in name resolution", "Max retries exceeded", "The requested URL returned error: ",
		"dial tcp: ", "TLS handshake timeout", "Client.Timeout exceeded", "unexpected HTTP ", "unexpected http ",
	}
}

// noise holds lines that look like faults and never are: services that cannot
// run inside a chroot, and progress lines that name packages.
const noise = `^(?:initctl|invoke-rc\.d|start-stop-daemon|runlevel|update-rc\.d|gconftool|dbus|systemctl|Failed to connect to (?:bus|socket)|Get:\d|Selecting previously|Preparing to |Unpacking |Setting up |Processing triggers|I: Retrieving |I: Validating )|policy-rc\.d|Upstart|D-Bus|/dbus|system_bus_socket`

// BuildRules returns the rules for cd-build-logs. They are tried on all lines
// outside the architectures' own lines and on the last line and the answer of
// a fatal traceback. The caller owns the slice.
func BuildRules() []Rule {
	return []Rule{
		{Class: DiskSpace, Scope: "host", Pattern: `No space left on device|Errno 28\b`, Literals: []string{"No space left on device", "Errno 28"}},

		{Class: Network, Scope: "publish", Stage: stageDownload, Pattern: `ERROR (?:404|408|429|5\d\d): `, Literals: []string{"ERROR 404: ", "ERROR 408: ", "ERROR 429: ", "ERROR 5"}},
		{Class: Network, Scope: "publish", Stage: stageDownload, Pattern: `unable to resolve host address`},
		{Class: Network, Scope: "publish", Stage: stageDownload, Pattern: `failed: (?:Connection|Network|No route)`, Literals: []string{"failed: Connection", "failed: Network", "failed: No route"}},
		{Class: Network, Scope: "publish", Stage: stageDownload, Pattern: `Read error .* in headers`, Literals: []string{"Read error "}},
		{Class: Network, Scope: "publish", Stage: stageDownload, Pattern: `Unable to establish SSL`},

		{Class: Network, Scope: "publish", Stage: stageGerminate, Pattern: `Could not resolve host`},
		{Class: Network, Scope: "publish", Stage: stageGerminate, Pattern: `unable to access 'https?://`, Literals: []string{"unable to access '"}},
		{Class: Network, Scope: "publish", Stage: stageGerminate, Pattern: `Timed out opening .*, failing`, Literals: []string{"Timed out opening "}},
		{Class: Network, Scope: "publish", Stage: stageGerminate, Pattern: `Connection (?:timed out|refused|reset by peer)|Temporary failure in name resolution|Network is unreachable|The requested URL returned error: `, Literals: []string{"Connection timed out", "Connection refused", "Connection reset by peer", "Temporary failure in name", "Network is unreachable", "The requested URL returned"}, Rank: -1},
		{Class: Seed, Scope: "publish", Stage: stageGerminate, Pattern: `^! Could not open `, Literals: []string{"! Could not open "}},
		{Class: Seed, Scope: "publish", Stage: stageGerminate, Pattern: `Unknown package (?P<package>\S+) for seed`, Rank: 1},
		{Class: Seed, Scope: "publish", Stage: stageGerminate, Pattern: `Undefined seed substvar`, Rank: 1},

		{Class: Operator, Scope: "launchpad", Pattern: `already pending`},
		{Class: Operator, Scope: "publish", Pattern: `No successful builds found`},
		{Class: Operator, Scope: "publish", Pattern: `no build found to reuse`},
		{Class: Operator, Scope: "publish", Pattern: `'NoneType' object has no attribute 'items'`},
		{Class: Operator, Scope: "publish", Pattern: `^\w*Error: .*File exists`, Literals: []string{"File exists"}},
		{Class: Operator, Scope: "command", Pattern: `^[\w.-]+: error: `},
		{Class: Operator, Scope: "command", Pattern: `^Usage: for-project `},

		{Class: Configuration, Scope: "host", Pattern: `No Launchpad live filesystem definition known`},
		{Class: Configuration, Scope: "host", Pattern: `No live filesystem builder known`},
		{Class: Configuration, Scope: "host", Pattern: `Live filesystem .* not found on`, Literals: []string{"Live filesystem "}},

		{Class: Lock, Scope: "host", Pattern: `^Another image set is already building!`, Rank: 1},
		{Class: Lock, Scope: "host", Pattern: `^Couldn't acquire .* lock!`, Literals: []string{"Couldn't acquire "}},
		{Class: Lock, Scope: "host", Pattern: `^Timed out waiting for archive sync lock!`},

		{Class: DiskSpace, Scope: "mirrors", Stage: stageMirrors, Pattern: `No space left on device`},
		{Class: Network, Scope: "mirrors", Stage: stageMirrors, Pattern: `^(?:ssh: |rsync: |rsync error: |ssh_exchange_identification: |kex_exchange_identification: |Connection (?:closed|reset|timed out)|Lost connection)`, Literals: []string{"ssh: connect", "ssh: Could", "rsync: ", "rsync error: ", "exchange_identification: ", "Connection closed", "Connection reset", "Connection timed out", "Lost connection"}},
		{Class: Configuration, Scope: "mirrors", Stage: stageMirrors, Pattern: `Permission denied|Host key verification failed`, Literals: []string{"Permission denied", "Host key verification failed"}},

		{Class: Network, Scope: "publish", Pattern: `^(?:[EW]|Error|Warning): Failed to fetch ` + fetched, Literals: []string{": Failed to fetch "}, Weak: true},
		{Class: Network, Scope: "publish", Pattern: `^(?:E|Error): The repository '.*' (?:does not have|no longer has) a Release file`, Literals: []string{" a Release file"}, Weak: true},
		{Class: Unknown, Scope: "publish", Pattern: `^make(?:\[\d+\])?: \*\*\* .*Error \d`, Literals: []string{": *** ["}, Weak: true},
	}
}

package cdimage

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// livefsRules are those for livefs build logs.
func livefsRules() []cause.Rule {
	giveKey := cause.Remedy{Text: "give the build the key that the archive is signed with, then {again}", Actions: []cause.Action{cause.FixLivecdRootfs}}
	return []cause.Rule{
		{Class: cause.DiskSpace, Pattern: `[Nn]o space left on device`, Literals: []string{"o space left on device"}},
		{Class: cause.DiskSpace, Pattern: `^(?:E|Error): You don't have enough free space in `},
		{Class: cause.DiskSpace, Pattern: `: Disk quota exceeded`},

		{Class: cause.Infrastructure, Pattern: `^ABORTING: `, Rank: 2},
		{Class: cause.Infrastructure, Pattern: `Failed to kill all processes`, Rank: 1},
		{Class: cause.Infrastructure, Pattern: `^failed to umount `},
		{Class: cause.Infrastructure, Pattern: `\b(?:Backend|LXD|LXDAPI)Exception\b|\bpylxd\.exceptions\.`, Literals: []string{"BackendException", "LXDException", "LXDAPIException", "pylxd.exceptions."}, Rank: 1},
		{Class: cause.Infrastructure, Pattern: `^Builder failed`},
		{Class: cause.Infrastructure, Pattern: `cannot be unmounted`},
		{Class: cause.Infrastructure, Pattern: `(?:^|: )(?:Cannot allocate memory|Out of memory(?: \(|: Kill))|^MemoryError\b`, Literals: []string{"Cannot allocate memory", "Out of memory", "MemoryError"}, Rank: 1, Remedy: cause.Remedy{
			Text: "{again}; the builder had not enough memory: tell the Launchpad operators which builder it was if it repeats", Actions: []cause.Action{cause.AskLaunchpad}}},
		{Class: cause.Infrastructure, Pattern: `\b(?:read|writ|open|copy|stat)\w*\b.*: Input/output error$`, Literals: []string{": Input/output error"}},
		{Class: cause.Infrastructure, Pattern: `failed to set ?up loop device`, Literals: []string{"up loop device"}},
		{Class: cause.Infrastructure, Pattern: `^chroot: failed to run command .*: Exec format error`, Literals: []string{": Exec format error"}},
		{Class: cause.Infrastructure, Pattern: `^(?:E|Error): (?:Could not get lock |Method \S+ has died unexpectedly|Sub-process \S+ received a segmentation fault)`, Literals: []string{": Could not get lock ", " has died unexpectedly", " received a segmentation fault"}},
		{Class: cause.Infrastructure, Pattern: `^E: Cannot install into target .* mounted with noexec or nodev`},
		{Class: cause.Infrastructure, Pattern: `^qemu: uncaught target signal `, Weak: true},
		{Class: cause.Infrastructure, Pattern: `^Error: (?:websocket: close |Instance is not running)`, Literals: []string{"Error: websocket: ", "Error: Instance is not"}, Rank: 1},
		{Class: cause.Infrastructure, Pattern: `^(?:E|Error): Release file for \S+ is not valid yet`, Literals: []string{" is not valid yet"}, Rank: 2, Remedy: cause.Remedy{
			Text: "{again}; the builder's clock is behind that of the archive: tell the Launchpad operators which builder it was", Actions: []cause.Action{cause.AskLaunchpad}}},

		// apt's verdict on an item, whatever it says of the reason; then the
		// details above it, then summaries.
		{Class: cause.Network, Pattern: `^(?:(?:E|Error): )?Failed to fetch ` + fetched + ` +\S`, Rank: 5},
		{Class: cause.Network, Pattern: `^(?:W|Warning): Failed to fetch ` + fetched + ` +\S`, Rank: 4},
		{Class: cause.Network, Pattern: `^(?:[EW]|Error|Warning): Failed to fetch ` + fetched + `\s*$`, Rank: 1},
		{Class: cause.Network, Pattern: `^  +(?:Cannot initiate the connection to |` + networkReasons + `)`, Literals: append(networkLiterals(), "Cannot initiate the connection"), Rank: 2},
		{Class: cause.Network, Pattern: `(?:unable|Unable) to resolve host address`, Literals: []string{"to resolve host address"}, Rank: 4},
		{Class: cause.Network, Pattern: `(?:Could not|Couldn't|could not) resolve (?:host|proxy)`, Literals: []string{"resolve host", "resolve proxy"}, Rank: 4},
		{Class: cause.Network, Pattern: `^(?:E|Error): Couldn't download `, Literals: []string{": Couldn't download "}, Rank: 4},
		{Class: cause.Network, Pattern: `^(?:E|Error): (?:Failed getting release|Invalid Release (?:file|signature)|Couldn't retrieve)`, Literals: []string{"Failed getting release", "Invalid Release file", "Invalid Release signature", "Couldn't retrieve"}, Rank: 4},
		{Class: cause.Network, Pattern: `^! Timed out opening `, Rank: 3},
		{Class: cause.Network, Pattern: `^gpg: keyserver receive failed: `, Rank: 3},
		{Class: cause.Network, Pattern: `^error: .*: (?:[\w ]+ )?(?:i/o timeout|no such host|too many requests|store server returned status [45]\d\d|server misbehaving|context deadline exceeded)`, Literals: []string{": i/o timeout", ": no such host", ": too many requests", "server returned status ", ": server misbehaving", ": context deadline exceeded"}, Rank: 3},
		{Class: cause.Network, Pattern: `^(?:\S+: )?(?:[\d-]+ [\d:]+ )?ERROR (?:40[3478]|429|50[0234]): `, Literals: numbered("ERROR %d: ", 403, 404, 407, 408, 429, 500, 502, 503, 504), Rank: 4},
		{Class: cause.Network, Pattern: `Unable to establish SSL connection|^Read error \(.*\) in headers`, Literals: []string{"Unable to establish SSL", "Read error ("}, Rank: 3},
		// glued to the progress that it shows
		{Class: cause.Network, Pattern: `^(?:[\w./-]+: )*(?:[ \dkMG:.-]+)?curl: \(\d+\) `, Literals: numbered("curl: (%d) ", 5, 6, 7, 16, 18, 22, 28, 35, 52, 55, 56, 92), Rank: 4},
		{Class: cause.Network, Pattern: `^fatal: unable to (?:access '(?:https?|git)://|connect to )|^error: RPC failed`, Literals: []string{"fatal: unable to access '", "fatal: unable to connect to ", "error: RPC failed"}, Rank: 3},
		{Class: cause.Network, Pattern: `^[\w.]*(?:URLError|HTTPError|ConnectionError|gaierror): `, Literals: []string{"URLError: ", "HTTPError: ", "ConnectionError: ", "gaierror: "}, Rank: 3},
		{Class: cause.Network, Pattern: `^(?:[\w.-]+: )*(?:[EWN]: |- |Err\S* |Error: |Warning: |ERROR: |fatal: |error: |curl: |wget: |failed: |[\w.]+(?:Error|Exception|Timeout): |Connecting to |Resolving |ssh: |rsync: |git: |bzr: )`, Literals: networkLiterals(), Rank: 3},
		{Class: cause.Network, Pattern: `^(?:` + networkReasons + `)`, Literals: networkLiterals(), Rank: 3},
		{Class: cause.Network, Pattern: `^(?:E|Error): The repository '.*' (?:does not have|no longer has) a Release file`, Literals: []string{" a Release file"}, Rank: 1},
		{Class: cause.Network, Pattern: `^(?:E|Error): Release file for \S+ is expired`, Literals: []string{"Release file for "}, Rank: 4},
		{Class: cause.Network, Pattern: `^(?:E|Error): (?:Encountered a section with no Package|Problem with MergeList |Unable to parse package file )`, Literals: []string{": Encountered a section", ": Problem with MergeList ", ": Unable to parse package file"}, Rank: 1}, // a page in the place of an index
		{Class: cause.Network, Pattern: `^(?:E|Error): (?:Some index files|Some files) failed to download`, Literals: []string{" failed to download"}, Rank: -1},
		{Class: cause.Network, Pattern: `^(?:E|Error): Unable to fetch some archives`, Rank: -1},

		{Class: cause.LivecdRootfs, Pattern: `adjust the values in the livecd-rootfs source`, Rank: 2},
		{Class: cause.LivecdRootfs, Pattern: `doesn't match record`},
		{Class: cause.LivecdRootfs, Pattern: `^(?i:unknown project) \S`, Literals: []string{"nknown project "}, Rank: 1},
		{Class: cause.LivecdRootfs, Pattern: `^Unknown architecture target`, Rank: 1},
		{Class: cause.LivecdRootfs, Pattern: `^bogus variant`, Rank: 1},
		{Class: cause.LivecdRootfs, Pattern: `Fingerprints do not match`},
		{Class: cause.LivecdRootfs, Pattern: `Cannot handle more than one kernel for`},
		{Class: cause.LivecdRootfs, Pattern: `No kernel output for`},
		{Class: cause.LivecdRootfs, Pattern: `signed by unknown key`, Rank: 1, Remedy: giveKey},
		{Class: cause.LivecdRootfs, Pattern: `^(?:E|Error): (?:GPG error: .*|The repository '.*' is not signed)`, Literals: []string{": GPG error: ", "' is not signed"}, Remedy: giveKey},
		{Class: cause.LivecdRootfs, Pattern: `^(?:E|Error): There were unauthenticated packages `, Literals: []string{": There were unauthenticated"}, Rank: 1, Remedy: giveKey},
		{Class: cause.LivecdRootfs, Pattern: `^WARNING: The following packages cannot be authenticated`, Weak: true, Rank: 1, Remedy: giveKey},
		{Class: cause.LivecdRootfs, Pattern: `\b(?:unrecogni[sz]ed option |invalid option -- |unknown option )`, Literals: []string{"unrecognized option ", "unrecognised option ", "invalid option -- ", "unknown option "}, Weak: true, Rank: 1},
		{Class: cause.LivecdRootfs, Pattern: `^(?:\S*/)?(?:auto|config|livecd-rootfs)/\S+: (?:line )?\d+: `, Literals: []string{"auto/build: ", "auto/config: ", "auto/clean: ", ": not found", ": syntax error", "parameter not set", "unbound variable"}, Weak: true, Rank: 1},
		{Class: cause.LivecdRootfs, Pattern: `^E: .*hooks/.* failed \(exit non-zero\)`, Literals: []string{" failed (exit non-zero)"}, Weak: true},

		{Class: cause.Package, Pattern: `^\s*trying to overwrite (?:shared )?'`, Literals: []string{"trying to overwrite '", "trying to overwrite shared '"}, Rank: 2},
		{Class: cause.Package, Pattern: `^dpkg: error processing (?:package |archive )?(?P<package>\S+)`, Literals: []string{"dpkg: error processing "}, Rank: 1},
		{Class: cause.Package, Pattern: `(?:post|pre)-(?:installation|removal) script .*returned error`, Literals: []string{"-installation script ", "-removal script "}},
		{Class: cause.Package, Pattern: `\b[Rr]efusing to install\b`, Literals: []string{"efusing to install"}},
		{Class: cause.Package, Pattern: `^E: No such script: /usr/share/(?P<package>debootstrap)/scripts/`, Remedy: cause.Remedy{
			Text: "teach debootstrap the series, then {again}", Actions: []cause.Action{cause.FixPackage}}},
		{Class: cause.Package, Pattern: `possibly the package (?P<package>\S+) is at fault`}, // debootstrap

		{Class: cause.Dependency, Pattern: `^ (?P<package>\S+) : (?:Depends|Pre-?Depends|Conflicts|Breaks): `, Literals: []string{" : Depends: ", " : PreDepends: ", " : Pre-Depends: ", " : Conflicts: ", " : Breaks: "}, Rank: 1},
		{Class: cause.Dependency, Pattern: `^(?:E|Error): Package '?(?P<package>[^\s']+)'? has no installation candidate`, Literals: []string{" has no installation candidate"}, Rank: 1, NeedsIndex: true},
		{Class: cause.Dependency, Pattern: `you have held broken packages`, Rank: -1},
		{Class: cause.Dependency, Pattern: `^dpkg: dependency problems prevent configuration of (?P<package>[^\s:]+)`, Weak: true},
		{Class: cause.Dependency, Pattern: `^(?:E|Error): (?:Could not perform immediate configuration on '|Couldn't configure pre-depend |This installation run will require temporarily removing the essential package )(?P<package>[^\s']+)`, Literals: []string{": Could not perform immediate", ": Couldn't configure pre-depend ", " temporarily removing the essential"}, Rank: 1},
		{Class: cause.Dependency, Pattern: `^(?:E|Error): (?:Packages were downgraded|There are problems|Held packages were changed|Essential packages were removed) and -y was used`, Literals: []string{" and -y was used"}, Weak: true, Remedy: cause.Remedy{
			Text: "look above what apt would downgrade, remove or change, and at the pin of the PPAs, mend that, then {again}", Actions: []cause.Action{cause.FixPackage}}},
		{Class: cause.Dependency, Pattern: `pkgProblemResolver::Resolve generated breaks`},
		{Class: cause.Dependency, Pattern: `^(?:E|Error): (?:Unmet dependencies\.|Unable to satisfy dependencies\.)`, Literals: []string{": Unmet dependencies.", ": Unable to satisfy dependencies."}},

		{Class: cause.Seed, Pattern: `^(?:E|Error): Couldn't find task '(?P<package>[^']+)`, Literals: []string{": Couldn't find task "}, Rank: 2, NeedsIndex: true},
		{Class: cause.Seed, Pattern: `^(?:E|Error): Unable to locate package (?P<package>\S+)`, Rank: 1, NeedsIndex: true},
		{Class: cause.Seed, Pattern: `Unknown package (?P<package>\S+) for seed`, Rank: 1},
		{Class: cause.Seed, Pattern: `^E: Couldn't find these debs: (?P<package>\S+)`, Rank: 1},
		{Class: cause.Seed, Pattern: `^! Could not open `},
		{Class: cause.Seed, Pattern: `^error: (?:cannot \w+ )?snap "(?P<package>[^"]+)"(?: not found|: snap not found| is not available on )`, Literals: []string{"error: snap \"", "error: cannot "}, Rank: 1},
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
	`dial tcp[ :]|TLS handshake timeout|Client\.Timeout exceeded|unexpected (?:HTTP|http) (?:status|response) code`

const networkReason = `(?:` + networkReasons + `)`

func networkLiterals() []string {
	return []string{
		"Hash Sum mismatch", "  Not Found", "404 Not Found", "Could not connect to ", "Unable to connect to ",
		"Connection timed out", "Connection failed", "Connection refused", "Connection reset by peer", "Temporary failure resolving", "Could not resolve ",
		"503  Service", "503 Service", "Bad Gateway", "Gateway Time", "Internal Server ", "File has unexpected size", "Size mismatch", "No route to host", "Network is unreachable",
		"Name or service not known", "Temporary failure in name resolution", "Max retries exceeded", "The requested URL returned error: ",
		"dial tcp: ", ": dial tcp ", "TLS handshake timeout", "Client.Timeout exceeded", "unexpected HTTP ", "unexpected http ",
	}
}

// Lines that look like faults and never are: services that cannot run inside a chroot,
// and progress lines that name packages. They are told by how they begin, or by what
// they have in them. Most lines that match a rule are none, so no pattern is run here.
var (
	noiseBegins = [][]byte{
		[]byte("initctl"), []byte("invoke-rc.d"), []byte("start-stop-daemon"), []byte("runlevel"), []byte("update-rc.d"), []byte("gconftool"),
		[]byte("dbus"), []byte("systemctl"), []byte("Failed to connect to bus"), []byte("Failed to connect to socket"),
		[]byte("Selecting previously"), []byte("Preparing to "), []byte("Unpacking "), []byte("Setting up "), []byte("Processing triggers"),
		[]byte("I: Retrieving "), []byte("I: Validating "),
	}
	noiseHas = [][]byte{[]byte("policy-rc.d"), []byte("Upstart"), []byte("D-Bus"), []byte("/dbus"), []byte("system_bus_socket")}
)

func isNoise(line []byte) bool {
	has := func(text []byte) bool { return bytes.Contains(line, text) }
	begins := func(text []byte) bool { return bytes.HasPrefix(line, text) }
	got := len(line) > 4 && string(line[:4]) == "Get:" && !notDigit(rune(line[4]))
	perhaps := len(line) > 0 && strings.IndexByte("isrugdFSPUI", line[0]) >= 0
	return got || perhaps && slices.ContainsFunc(noiseBegins, begins) || slices.ContainsFunc(noiseHas, has)
}

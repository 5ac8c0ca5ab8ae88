package cdimage

import (
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// buildRules are those for cd-build-logs.
func buildRules() []cause.Rule {
	submitAgain := cause.Remedy{Text: "submit the images to Test Observer again", Actions: []cause.Action{cause.SubmitAgain}}
	correctName := cause.Remedy{Text: "correct the name that Launchpad does not know (of an archive, a team or a live file system), then {again}", Actions: []cause.Action{cause.FixConfiguration}}
	unreachableNames := []string{"URLError", "ServerNotFoundError", "ConnectionError", "gaierror", "ProtocolError", "BadStatusLine", "RemoteDisconnected", "IncompleteRead", "timeout", "TimeoutError", "SSLError", "SSLHandshakeError"}
	unreachable := `^[\w.]*(?:` + strings.Join(unreachableNames, "|") + `)\b|` + networkReason
	certificates := cause.Remedy{Text: "mend the certificates of the cdimage host, or its clock, then {again}", Actions: []cause.Action{cause.FixConfiguration}}
	triggerAgain := cause.Remedy{Text: "re-trigger mirrors", Actions: []cause.Action{cause.TriggerMirrors}}
	return []cause.Rule{
		{Class: cause.DiskSpace, Scope: "host", Pattern: `No space left on device|Errno 28\b|Disk quota exceeded`, Literals: []string{"No space left on device", "Errno 28", "Disk quota exceeded"}},

		{Class: cause.Network, Stage: stageDownload, Pattern: `ERROR 40[137]: `, Literals: numbered("ERROR %d: ", 401, 403, 407), Remedy: cause.Remedy{Text: "find out why Launchpad refuses the files, then {again}"}},
		{Class: cause.Network, Stage: stageDownload, Pattern: `ERROR (?:4(?:0[4-9]|1\d|29)|5\d\d): `, Literals: []string{"ERROR 40", "ERROR 41", "ERROR 429: ", "ERROR 5"}},
		{Class: cause.Network, Stage: stageDownload, Pattern: `^ERROR: (?:cannot verify .*|The |no )?certificate`, Literals: []string{"ERROR: certificate ", "ERROR: cannot verify ", "ERROR: The certificate", "ERROR: no certificate"}, Remedy: certificates},
		{Class: cause.Network, Stage: stageDownload, Pattern: `unable to resolve host address`},
		{Class: cause.Network, Stage: stageDownload, Pattern: `failed: (?:Connection|Network|No route)`, Literals: []string{"failed: Connection", "failed: Network", "failed: No route"}},
		{Class: cause.Network, Stage: stageDownload, Pattern: `Read error .* in headers`, Literals: []string{"Read error "}},
		{Class: cause.Network, Stage: stageDownload, Pattern: `Unable to establish SSL`},

		{Class: cause.Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `Could not resolve host`},
		{Class: cause.Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `unable to access 'https?://`, Literals: []string{"unable to access '"}},
		{Class: cause.Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `Timed out opening .*, failing`, Literals: []string{"Timed out opening "}},
		{Class: cause.Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `Connection (?:timed out|refused|reset by peer)|Temporary failure in name resolution|Network is unreachable|The requested URL returned error: `, Literals: []string{"Connection timed out", "Connection refused", "Connection reset by peer", "Temporary failure in name", "Network is unreachable", "The requested URL returned"}, Rank: -1},
		{Class: cause.Seed, Stage: stageGerminate, Pattern: `^! Could not open `, Literals: []string{"! Could not open "}},
		{Class: cause.Seed, Stage: stageGerminate, Pattern: `Unknown package (?P<package>\S+) for seed`, Rank: 1},
		{Class: cause.Seed, Stage: stageGerminate, Pattern: `Undefined seed substvar`, Rank: 1},

		{Class: cause.Infrastructure, Scope: "launchpad", Exception: true, Pattern: `HTTP Error (?:5\d\d|408|429)`, Literals: []string{"HTTP Error 5", "HTTP Error 408", "HTTP Error 429"}},
		{Class: cause.Infrastructure, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `\bJSONDecodeError: |No JSON object could be decoded`, Literals: []string{"JSONDecodeError: ", "No JSON object could"}}, // a page in its place
		{Class: cause.Infrastructure, Scope: "host", Exception: true, Pattern: `^MemoryError|Cannot allocate memory`, Literals: []string{"MemoryError", "Cannot allocate memory"}, Remedy: cause.Remedy{Text: "give the cdimage host memory, then {again}"}},
		{Class: cause.Infrastructure, Scope: "host", Exception: true, Pattern: `Read-only file system|Input/output error|Stale (?:NFS )?file handle`, Literals: []string{"Read-only file system", "Input/output error", "Stale file handle", "Stale NFS file handle"}, Remedy: cause.Remedy{
			Text: "mend the disk of the cdimage host, then {again}"}},
		{Class: cause.Infrastructure, Scope: "launchpad", Exception: true, Pattern: `Unauthorized|HTTP Error 401`, Literals: []string{"Unauthorized", "HTTP Error 401"}, Remedy: cause.Remedy{
			Text: "give the cdimage host credentials that Launchpad accepts, then {again}"}},

		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `^(?:b['"])?(?:(?:\w+: )?No such .*[:"]|Object: .*, name: )`, Literals: []string{"No such ", ", name: "}, Rank: 2, Remedy: correctName},
		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `\bHTTP Error 404\b`, Rank: 1, Remedy: correctName},
		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `^KeyError: `, Remedy: correctName},
		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `'NoneType' object has no attribute 'requestBuild'`, Remedy: correctName},
		{Class: cause.Configuration, Scope: "host", Exception: true, Stage: stagePublish, Pattern: `^\w*Error: .*Permission denied`, Literals: []string{"Permission denied"}, Remedy: cause.Remedy{
			Text: "give the files of the cdimage host back to the user who builds, then {again}", Actions: []cause.Action{cause.FixConfiguration}}},
		{Class: cause.Configuration, Scope: "host", Stage: stagePublish, Pattern: `^gpg: signing failed: `, Remedy: cause.Remedy{
			Text: "mend the key that the cdimage host signs with, then {again}", Actions: []cause.Action{cause.FixConfiguration}}},
		{Class: cause.Configuration, Scope: "host", Pattern: `No Launchpad live filesystem definition known`},
		{Class: cause.Configuration, Scope: "host", Pattern: `No live filesystem builder known`},
		{Class: cause.Configuration, Scope: "host", Pattern: `Live filesystem .* not found on`, Literals: []string{"Live filesystem "}},

		{Class: cause.Cancelled, Scope: "host", Exception: true, Pattern: `^KeyboardInterrupt\b`},

		{Class: cause.Operator, Scope: "launchpad", Pattern: `already pending`, Remedy: cause.Remedy{
			Text: "wait for (or cancel) the pending build, then full rebuild or publish-only re-run", Actions: []cause.Action{cause.Wait, cause.FullRebuild}}},
		{Class: cause.Operator, Pattern: `No successful builds found`, Remedy: cause.Remedy{Text: "full rebuild with --live", Actions: []cause.Action{cause.FullRebuild}}},
		{Class: cause.Operator, Pattern: `no build found to reuse`, Remedy: cause.Remedy{
			Text: "full rebuild with --live; without CDIMAGE_REUSE_BUILD", Actions: []cause.Action{cause.FullRebuild}}},
		{Class: cause.Operator, Pattern: `'NoneType' object has no attribute 'items'`, Remedy: cause.Remedy{
			Text: "use CDIMAGE_REUSE_BUILD=1 with --live; publish-only without --live no longer works", Actions: []cause.Action{cause.PublishOnly}}},
		{Class: cause.Operator, Pattern: `^\w*Error: .*File exists`, Literals: []string{"File exists"}, Remedy: cause.Remedy{
			Text: "unset DATE and DATE_SUFFIX (the forced ID is in use), then {again}", Actions: []cause.Action{cause.CorrectCommand}}},
		{Class: cause.Operator, Scope: "command", Pattern: `^[\w.-]+: error: no such option: -l$`, Literals: []string{": error: no such option: -l"}, Remedy: cause.Remedy{Text: "use --live", Actions: []cause.Action{cause.CorrectCommand}}},
		{Class: cause.Operator, Scope: "command", Pattern: `^[\w.-]+: error: `},
		{Class: cause.Operator, Scope: "command", Pattern: `^Usage: for-project `},

		{Class: cause.Lock, Scope: "host", Pattern: `^Another image set is already building!`, Rank: 1, Remedy: cause.Remedy{
			Text: "wait for the running build, then repeat the same command; the lock is broken by itself two hours after it was made", Actions: []cause.Action{cause.Wait, cause.RepeatCommand}}},
		{Class: cause.Lock, Scope: "host", Pattern: `^Couldn't acquire .* lock!`, Literals: []string{"Couldn't acquire "}},
		{Class: cause.Lock, Scope: "host", Pattern: `^Timed out waiting for archive sync lock!`},

		{Class: cause.Configuration, Scope: "test observer", Warning: true, Remedy: submitAgain, Pattern: `^Couldn't submit artifact to Test Observer: .*(?:\b40[13]\b|Unauthorized|Forbidden)`, Literals: []string{"Couldn't submit artifact to Test Observer: "}},
		{Class: cause.Network, Scope: "test observer", Warning: true, Remedy: submitAgain, Pattern: `^Couldn't submit artifact to Test Observer`, Literals: []string{"Couldn't submit artifact to Test Observer"}},

		{Class: cause.DiskSpace, Scope: "mirrors", Stage: stageMirrors, Warning: true, Remedy: triggerAgain, Pattern: `No space left on device`},
		{Class: cause.Network, Scope: "mirrors", Stage: stageMirrors, Warning: true, Remedy: triggerAgain, Pattern: `^(?:ssh: |rsync: |rsync error: |ssh_exchange_identification: |kex_exchange_identification: |Connection (?:closed|reset|timed out)|Lost connection)`, Literals: []string{"ssh: connect", "ssh: Could", "rsync: ", "rsync error: ", "exchange_identification: ", "Connection closed", "Connection reset", "Connection timed out", "Lost connection"}},
		{Class: cause.Configuration, Scope: "mirrors", Stage: stageMirrors, Warning: true, Remedy: triggerAgain, Pattern: `Permission denied|Host key verification failed`, Literals: []string{"Permission denied", "Host key verification failed"}},

		{Class: cause.Network, Pattern: `^(?:[EW]|Error|Warning): Failed to fetch ` + fetched, Literals: []string{": Failed to fetch "}, Weak: true},
		{Class: cause.Network, Pattern: `^(?:E|Error): The repository '.*' (?:does not have|no longer has) a Release file`, Literals: []string{" a Release file"}, Weak: true},
		{Class: cause.Network, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `certificate verify failed|\bCertificateError: `, Literals: []string{"certificate verify failed", "CertificateError: "}, Remedy: certificates},
		{Class: cause.Network, Scope: "launchpad", Exception: true, Weak: true, Stage: stageBuild, Pattern: unreachable, Literals: append(networkLiterals(), unreachableNames...), Remedy: whenNetworkIsBack},
		{Class: cause.Network, Exception: true, Weak: true, Pattern: unreachable, Literals: append(networkLiterals(), unreachableNames...), Remedy: whenNetworkIsBack},
		{Class: cause.Unknown, Pattern: `^make(?:\[\d+\])?: \*\*\* .*Error \d`, Literals: []string{": *** ["}, Weak: true},
	}
}

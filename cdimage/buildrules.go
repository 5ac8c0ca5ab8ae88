package cdimage

import "strings"

// BuildRules returns the rules for cd-build-logs. They are tried on all lines
// outside the architectures' own lines and on the last line and the answer of
// a fatal traceback. The caller owns the slice.
func BuildRules() []Rule {
	submitAgain := Remedy{"submit the images to Test Observer again", []Action{SubmitAgain}}
	correctName := Remedy{"correct the name that Launchpad does not know (of an archive, a team or a live file system), then {again}", []Action{FixConfiguration}}
	unreachableNames := []string{"URLError", "ServerNotFoundError", "ConnectionError", "gaierror", "ProtocolError", "BadStatusLine", "RemoteDisconnected", "IncompleteRead", "timeout", "TimeoutError"}
	unreachable := `^[\w.]*(?:` + strings.Join(unreachableNames, "|") + `)\b|` + networkReason
	triggerAgain := Remedy{"re-trigger mirrors", []Action{TriggerMirrors}}
	return []Rule{
		{Class: DiskSpace, Scope: "host", Pattern: `No space left on device|Errno 28\b`, Literals: []string{"No space left on device", "Errno 28"}},

		{Class: Network, Stage: stageDownload, Pattern: `ERROR (?:404|408|429|5\d\d): `, Literals: []string{"ERROR 404: ", "ERROR 408: ", "ERROR 429: ", "ERROR 5"}},
		{Class: Network, Stage: stageDownload, Pattern: `unable to resolve host address`},
		{Class: Network, Stage: stageDownload, Pattern: `failed: (?:Connection|Network|No route)`, Literals: []string{"failed: Connection", "failed: Network", "failed: No route"}},
		{Class: Network, Stage: stageDownload, Pattern: `Read error .* in headers`, Literals: []string{"Read error "}},
		{Class: Network, Stage: stageDownload, Pattern: `Unable to establish SSL`},

		{Class: Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `Could not resolve host`},
		{Class: Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `unable to access 'https?://`, Literals: []string{"unable to access '"}},
		{Class: Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `Timed out opening .*, failing`, Literals: []string{"Timed out opening "}},
		{Class: Network, Stage: stageGerminate, Remedy: whenNetworkIsBack, Pattern: `Connection (?:timed out|refused|reset by peer)|Temporary failure in name resolution|Network is unreachable|The requested URL returned error: `, Literals: []string{"Connection timed out", "Connection refused", "Connection reset by peer", "Temporary failure in name", "Network is unreachable", "The requested URL returned"}, Rank: -1},
		{Class: Seed, Stage: stageGerminate, Pattern: `^! Could not open `, Literals: []string{"! Could not open "}},
		{Class: Seed, Stage: stageGerminate, Pattern: `Unknown package (?P<package>\S+) for seed`, Rank: 1},
		{Class: Seed, Stage: stageGerminate, Pattern: `Undefined seed substvar`, Rank: 1},

		{Class: Infrastructure, Scope: "launchpad", Exception: true, Pattern: `HTTP Error 5\d\d`, Literals: []string{"HTTP Error 5"}},
		{Class: Infrastructure, Scope: "launchpad", Exception: true, Pattern: `Unauthorized|HTTP Error 401`, Literals: []string{"Unauthorized", "HTTP Error 401"}, Remedy: Remedy{
			"give the cdimage host credentials that Launchpad accepts, then {again}", nil}},

		{Class: Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `^(?:b['"])?(?:(?:\w+: )?No such .*[:"]|Object: .*, name: )`, Literals: []string{"No such ", ", name: "}, Rank: 2, Remedy: correctName},
		{Class: Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `\bHTTP Error 404\b`, Rank: 1, Remedy: correctName},
		{Class: Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `^KeyError: `, Remedy: correctName},
		{Class: Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `'NoneType' object has no attribute 'requestBuild'`, Remedy: correctName},
		{Class: Configuration, Scope: "host", Pattern: `No Launchpad live filesystem definition known`},
		{Class: Configuration, Scope: "host", Pattern: `No live filesystem builder known`},
		{Class: Configuration, Scope: "host", Pattern: `Live filesystem .* not found on`, Literals: []string{"Live filesystem "}},

		{Class: Operator, Scope: "launchpad", Pattern: `already pending`, Remedy: Remedy{
			"wait for (or cancel) the pending build, then full rebuild or publish-only re-run", []Action{Wait, FullRebuild}}},
		{Class: Operator, Pattern: `No successful builds found`, Remedy: Remedy{"full rebuild with --live", []Action{FullRebuild}}},
		{Class: Operator, Pattern: `no build found to reuse`, Remedy: Remedy{
			"full rebuild with --live; without CDIMAGE_REUSE_BUILD", []Action{FullRebuild}}},
		{Class: Operator, Pattern: `'NoneType' object has no attribute 'items'`, Remedy: Remedy{
			"use CDIMAGE_REUSE_BUILD=1 with --live; publish-only without --live no longer works", []Action{PublishOnly}}},
		{Class: Operator, Pattern: `^\w*Error: .*File exists`, Literals: []string{"File exists"}, Remedy: Remedy{
			"unset DATE and DATE_SUFFIX (the forced ID is in use), then {again}", []Action{CorrectCommand}}},
		{Class: Operator, Scope: "command", Pattern: `^[\w.-]+: error: no such option: -l$`, Literals: []string{": error: no such option: -l"}, Remedy: Remedy{"use --live", []Action{CorrectCommand}}},
		{Class: Operator, Scope: "command", Pattern: `^[\w.-]+: error: `},
		{Class: Operator, Scope: "command", Pattern: `^Usage: for-project `},

		{Class: Lock, Scope: "host", Pattern: `^Another image set is already building!`, Rank: 1, Remedy: Remedy{
			"wait for the running build, then repeat the same command; the lock is broken by itself two hours after it was made", []Action{Wait, RepeatCommand}}},
		{Class: Lock, Scope: "host", Pattern: `^Couldn't acquire .* lock!`, Literals: []string{"Couldn't acquire "}},
		{Class: Lock, Scope: "host", Pattern: `^Timed out waiting for archive sync lock!`},

		{Class: Configuration, Scope: "test observer", Warning: true, Remedy: submitAgain, Pattern: `^Couldn't submit artifact to Test Observer: .*(?:\b40[13]\b|Unauthorized|Forbidden)`, Literals: []string{"Couldn't submit artifact to Test Observer: "}},
		{Class: Network, Scope: "test observer", Warning: true, Remedy: submitAgain, Pattern: `^Couldn't submit artifact to Test Observer`, Literals: []string{"Couldn't submit artifact to Test Observer"}},

		{Class: DiskSpace, Scope: "mirrors", Stage: stageMirrors, Warning: true, Remedy: triggerAgain, Pattern: `No space left on device`},
		{Class: Network, Scope: "mirrors", Stage: stageMirrors, Warning: true, Remedy: triggerAgain, Pattern: `^(?:ssh: |rsync: |rsync error: |ssh_exchange_identification: |kex_exchange_identification: |Connection (?:closed|reset|timed out)|Lost connection)`, Literals: []string{"ssh: connect", "ssh: Could", "rsync: ", "rsync error: ", "exchange_identification: ", "Connection closed", "Connection reset", "Connection timed out", "Lost connection"}},
		{Class: Configuration, Scope: "mirrors", Stage: stageMirrors, Warning: true, Remedy: triggerAgain, Pattern: `Permission denied|Host key verification failed`, Literals: []string{"Permission denied", "Host key verification failed"}},

		{Class: Network, Pattern: `^(?:[EW]|Error|Warning): Failed to fetch ` + fetched, Literals: []string{": Failed to fetch "}, Weak: true},
		{Class: Network, Pattern: `^(?:E|Error): The repository '.*' (?:does not have|no longer has) a Release file`, Literals: []string{" a Release file"}, Weak: true},
		{Class: Network, Scope: "launchpad", Exception: true, Weak: true, Stage: stageBuild, Pattern: unreachable, Literals: append(networkLiterals(), unreachableNames...), Remedy: whenNetworkIsBack},
		{Class: Network, Exception: true, Weak: true, Pattern: unreachable, Literals: append(networkLiterals(), unreachableNames...), Remedy: whenNetworkIsBack},
		{Class: Unknown, Pattern: `^make(?:\[\d+\])?: \*\*\* .*Error \d`, Literals: []string{": *** ["}, Weak: true},
	}
}

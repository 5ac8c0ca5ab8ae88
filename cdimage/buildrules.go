package cdimage

import (
	"strings"

	"github.com/landingteam/landing/cdimage/cause"
)

// buildRules are those for cd-build-logs.
func buildRules() []cause.Rule {
	submitAgain := cause.Remedy{Text: "submit the images to Test Observer again", Actions: []cause.Action{cause.SubmitAgain}}
	correctName := cause.Remedy{Text: "correct the name that Launchpad does not know (of an archive, a team or a live file system), then {again}", Actions: []cause.Action{cause.FixConfiguration}}
	unreachableNames := []string{"URLError", "ServerNotFoundError", "ConnectionError", "gaierror", "ProtocolError", "BadStatusLine", "RemoteDisconnected", "IncompleteRead", "timeout", "TimeoutError"}
	unreachable := `^[\w.]*(?:` + strings.Join(unreachableNames, "|") + `)\b|` + networkReason
	triggerAgain := cause.Remedy{Text: "re-trigger mirrors", Actions: []cause.Action{cause.TriggerMirrors}}
	return []cause.Rule{
		{Class: cause.DiskSpace, Scope: "host", Pattern: `No space left on device|Errno 28\b`, Literals: []string{"No space left on device", "Errno 28"}},

		{Class: cause.Network, Stage: stageDownload, Pattern: `ERROR (?:404|408|429|5\d\d): `, Literals: []string{"ERROR 404: ", "ERROR 408: ", "ERROR 429: ", "ERROR 5"}},
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

		{Class: cause.Infrastructure, Scope: "launchpad", Exception: true, Pattern: `HTTP Error 5\d\d`, Literals: []string{"HTTP Error 5"}},
		{Class: cause.Infrastructure, Scope: "launchpad", Exception: true, Pattern: `Unauthorized|HTTP Error 401`, Literals: []string{"Unauthorized", "HTTP Error 401"}, Remedy: cause.Remedy{
			Text: "give the cdimage host credentials that Launchpad accepts, then {again}"}},

		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `^(?:b['"])?(?:(?:\w+: )?No such .*[:"]|Object: .*, name: )`, Literals: []string{"No such ", ", name: "}, Rank: 2, Remedy: correctName},
		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `\bHTTP Error 404\b`, Rank: 1, Remedy: correctName},
		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `^KeyError: `, Remedy: correctName},
		{Class: cause.Configuration, Scope: "launchpad", Exception: true, Stage: stageBuild, Pattern: `'NoneType' object has no attribute 'requestBuild'`, Remedy: correctName},
		{Class: cause.Configuration, Scope: "host", Pattern: `No Launchpad live filesystem definition known`},
		{Class: cause.Configuration, Scope: "host", Pattern: `No live filesystem builder known`},
		{Class: cause.Configuration, Scope: "host", Pattern: `Live filesystem .* not found on`, Literals: []string{"Live filesystem "}},

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
		{Class: cause.Network, Scope: "launchpad", Exception: true, Weak: true, Stage: stageBuild, Pattern: unreachable, Literals: append(networkLiterals(), unreachableNames...), Remedy: whenNetworkIsBack},
		{Class: cause.Network, Exception: true, Weak: true, Pattern: unreachable, Literals: append(networkLiterals(), unreachableNames...), Remedy: whenNetworkIsBack},
		{Class: cause.Unknown, Pattern: `^make(?:\[\d+\])?: \*\*\* .*Error \d`, Literals: []string{": *** ["}, Weak: true},
	}
}

// Package launchpad works with PPAs and live file system builds on Launchpad:
// it reads archives, publications and builds, copies packages between archives
// and follows each of them until it is published, and requests, watches and
// fetches live file system builds.
//
// An archive holds publications: rows that say that a version of a source, or
// of a binary on one architecture, is in a series. A row is Pending until the
// archive's publisher has run, then Published, and later Superseded or Deleted.
//
// # Client
//
// The zero [Client] reads the public parts of the production service:
//
//	c := &launchpad.Client{}
//	ppa, err := c.Archive(ctx, "ppa:ci-train-ppa-service/stable-phone-overlay")
//
// Fields hold [Field] where Launchpad may hide a value; one that is hidden is
// neither true nor false:
//
//	if launchpad.Is(ppa.Publish, false) { ... }
//
// # Authentication
//
// A credentials file is that of launchpadlib. [Client.Login] makes one with the
// help of a person; without a person it fails at once.
//
//	cred, err := launchpad.ReadCredentials("") // path in $LP_CREDENTIALS_FILE
//	c := &launchpad.Client{Credentials: cred}
//
// # Listings
//
// Listings are iterators. Pages are fetched as the loop goes on, so that a
// loop that stops early costs little, and a long one holds one page.
//
//	for src, err := range c.Sources(ctx, ppa.SelfLink, launchpad.SourceFilter{
//		Status: launchpad.Published, Series: "vivid",
//	}) {
//		if err != nil { return err }
//		fmt.Println(src.SourceName, src.SourceVersion)
//	}
//
// # Copying
//
// A copy that Launchpad accepts is only queued; it may fail later without any
// word. So a copy is planned first, down to every binary that must appear, and
// is complete when all of them were seen Published, twice.
//
//	plan, err := c.Plan(ctx, launchpad.PlanRequest{
//		From: "ppa:team/overlay", To: "ppa:team/snapshot", Series: "vivid",
//	})
//	fmt.Print(plan.Text())
//	report, err := c.Copy(ctx, plan, launchpad.CopyOptions{Ledger: "copy.ledger"})
//
// A plan, a report and a manifest are plain values and survive JSON. Copy
// called again with the same plan and ledger goes on where it stands, and
// [Client.Probe] says how far it came. [Report.Manifest] records what was
// copied, to be compared with another one or to be copied again.
//
// # Live file systems
//
//	l, err := c.Livefs(ctx, "~ubuntu-cdimage/ubuntu/vivid/ubuntu-touch")
//	b, adopted, err := c.RequestLivefsBuild(ctx, l, launchpad.LivefsRequest{Arch: "armhf"})
//	err = c.WaitForBuild(ctx, b, launchpad.WaitOptions{})
//	log, err := c.BuildLog(ctx, b, 64<<10) // its last 64 KiB
//
// # Writes
//
// Reads are tried again when the way to Launchpad is broken; writes never are.
// Where the answer to a write is lost, the package looks whether it took
// effect; where it cannot tell, [Error.Ambiguous] is set. A client with
// ReadOnly sends no write at all.
//
// # Errors
//
// Every failed request is an [*Error]; errors.Is tells what it is about.
//
//	situation                                         error
//	token unknown, expired, signature wrong           ErrToken
//	token good, its owner may not                     ErrPermission
//	no such thing, or one not to be known of          ErrNotFound
//	wrong parameter, rule of Launchpad, entry changed ErrRefused
//	statement or request took too long, no answer     ErrTimeout
//	Launchpad or the way to it broken, bad answer     ErrServer
//	write with a client that is ReadOnly              ErrReadOnly
//	login with nobody to open a page                  ErrUnattended
//	a write whose answer was lost                     Error.Ambiguous
//
// How a copy ends is no error of a request but an [Outcome] in the report:
//
//	situation                                         outcome
//	all of it Published on every architecture         FullyPublished
//	accepted, then never seen                         Lost
//	not accepted, or in conflict with the target      Refused
//	rows that stay Pending or never come              StuckPending
//	another version put over it                       WasSuperseded
//	removed by somebody                               WasDeleted
//	a missing binary could not be built               BuildFailed
//	series obsolete, archive does not permit uploads  ObsoleteSeries
//	the archive's publishing is switched off          PublishingOff
//
// # Coverage
//
// Covered: version devel of the web service; archives (read, create, edit,
// delete), series and architectures, source and binary publications and their
// files, builds with summaries, counters and logs, copyPackage and
// copyPackages, livefs and their builds, OAuth. Not covered: uploads, package
// queues, archive dependencies and subscriptions, bugs, branches, and the
// deprecated syncSource. Launchpad does not promise that devel stays as it is:
// unknown fields and texts are passed over, never refused.
package launchpad

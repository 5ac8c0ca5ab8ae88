// Package launchpad works with PPAs and live file system builds on Launchpad: it
// reads archives, copies packages between them and follows each until it is
// published, and requests, watches and fetches live file system builds.
//
// # Client and archives
//
// The zero [Client] reads the public parts of the production service. An [Archive]
// is a PPA, or the archive of a distribution:
//
//	c := &launchpad.Client{}
//	ppa, err := c.Archive(ctx, "ppa:ci-train-ppa-service/stable-phone-overlay")
//
// What Launchpad may hide from the caller is a Field of package value. One that is
// hidden is neither true nor false:
//
//	if ppa.Publish.Is(false) { ... }
//
// # Credentials
//
// To write, and to see what is private, a client needs [Credentials]. They stand in
// a file as launchpadlib writes it. [Client.Login] makes one with the help of a
// person, and examples/login is the program for it.
//
//	cred := new(launchpad.Credentials)
//	err := cred.ReadFile("") // its path stands in $LP_CREDENTIALS_FILE
//	c := &launchpad.Client{Credentials: cred}
//
// # Publications
//
// An archive holds publications. A [Publication] is a row: it says that a version of
// a source, or of a binary on one architecture, is in a series. Its [Status] is
// Pending until the archive's publisher has run, then Published, and later
// Superseded or Deleted.
//
// Listings are iterators. Pages are fetched as the loop goes on, so that a loop that
// stops early costs little, and a long one holds one page.
//
//	f := launchpad.PublicationFilter{Status: launchpad.Published, Series: "vivid"}
//	for src, err := range c.Sources(ctx, ppa.SelfLink, f) {
//		if err != nil { return err }
//		fmt.Println(src.SourceName, src.SourceVersion)
//	}
//
// # Copying
//
// A copy that Launchpad accepts is only queued; it may fail later without any word.
// So a [Plan] comes first, down to every binary that must appear, and the copy is
// complete when all of them were seen Published, twice.
//
//	plan, err := c.Plan(ctx, launchpad.PlanRequest{
//		From: "ppa:team/overlay", To: "ppa:team/snapshot", Series: "vivid",
//	})
//	fmt.Print(plan.Text())
//	report, err := c.Copy(ctx, plan, launchpad.CopyOptions{Ledger: "copy.ledger"})
//
// A plan holds a [PackageCopy] for each source, and so does the [CopyReport], with
// its [CopyState]. Both are plain values that survive JSON. Copy called again with
// the same plan and ledger goes on where it stands, and [Client.Probe] says how far
// it came. [CopyReport.Manifest] records what was copied: a [Manifest] is compared
// with another one, or copied again.
//
// # Builds
//
// A [Build] makes the binaries of a source, or a live file system, which is the root
// of an image. Its [BuildState] is Launchpad's word for how far it is.
//
//	b, adopted, err := c.RequestLivefsBuild(ctx, "~ubuntu-cdimage/ubuntu/vivid/ubuntu-touch",
//		launchpad.BuildRequest{Arch: "armhf"})
//	err = c.WaitForBuild(ctx, b, nil)
//	log, err := c.BuildLog(ctx, b, 64<<10) // its last 64 KiB
//
// # Writes
//
// Reads are tried again when the way to Launchpad is broken; writes never are.
// Where the answer to a write is lost, the package looks whether it took effect;
// where it cannot tell, the error is [ErrInDoubt]. A client with ReadOnly sends no
// write at all.
//
// # Where a rule stands
//
//	what is to be copied, as a plan                           plan.go
//	whether a package may be copied, and is complete          plandecide.go
//	origin and target are read                                planread.go, planreadagain.go when pages shifted
//	builds that made nothing                                  planbuilds.go
//	rounds of a copy                                          copy.go
//	a request to copy: sent, answered, answer lost            copysend.go, copyanswer.go
//	what was asked for before this process was killed         copyledger.go
//	what has come; all of it Published, twice                 copylook.go, copyverify.go
//	when a copy is given up, and why                          copygiveup.go
//	how a copy stands, counted and in words                   copyreport.go
//	what was copied: compared, copied again                   manifest.go
//	an archive, a publication, a person                       archive.go, publication.go, me.go
//	a build, its log; a live file system's                    build.go, buildlog.go, livefs.go
//	a file is fetched, also one that is private               download.go
//	names that people paste, as links                         reference.go
//	credentials: read, made by login, never printed           credentials.go, login.go
//	which server, and how many requests at a time             client.go
//	a request: its parameters, its answer, redirects          request.go, params.go
//	pages of a listing, smaller when it times out             page.go
//	what is tried again, and how often                        retry.go
//	which answer is which error                               errors.go
//	order of versions                                         package debversion
//	what may be hidden: links, times, flags                   package value
//
// # Errors
//
// Every failed request is an [*Error]; errors.Is tells what it is about.
//
//	situation                                          error
//	token unknown, expired, signature wrong            ErrToken
//	token good, its owner may not                      ErrPermission
//	no such thing, or one not to be known of           ErrNotFound
//	wrong parameter, rule of Launchpad                 ErrRefused
//	statement or request took too long, no answer      ErrTimeout
//	Launchpad or the way to it broken, bad answer      ErrServer
//	write with a client that is ReadOnly               ErrReadOnly
//	no credentials file, nobody to open a page         ErrNoCredentials
//	a write whose answer was lost, or is none          ErrInDoubt
//
// How a copy ends is no error of a request but a [CopyState] in the report:
//
//	situation                                          state
//	all of it Published on every architecture          CopyPublished
//	accepted, then never seen                          CopyLost
//	not accepted, or in conflict with the target       CopyRefused
//	rows that stay Pending or never come               CopyStuck
//	another version put over it                        CopySuperseded
//	removed by somebody                                CopyDeleted
//	a missing binary could not be built                CopyBuildFailed
//	series obsolete, archive does not permit uploads   CopySeriesObsolete
//	the archive's publishing is switched off           CopyPublishingOff
//
// # Coverage
//
// Covered: version devel of the web service; archives (read, create, delete),
// source and binary publications, builds and their logs, copyPackage, live file
// systems and their builds, OAuth. Not covered: uploads, package queues, archive
// dependencies and subscriptions, bugs, branches, copyPackages, which pins no
// versions, and the deprecated syncSource. Launchpad does not promise that devel
// stays as it is: unknown fields and texts are passed over, never refused.
package launchpad

// Package web shows runs in the browser, live, and takes the answers of those who are
// asked.
//
// The nouns, in the order in which one meets them:
//
//   - A [Handler] is an http.Handler of one [Source] of runs: the list of them, a page
//     for each, and beside each page the same as JSON, in the words of runbook.Status,
//     for who sends "Accept: application/json".
//   - A [Folder] is the source of the journals in a folder, with the mailbox in it.
//     Reading needs no lock, and follows a journal that grows. A plan that was kept beside
//     the journal ("-plan -json >OTA-5.journal.plan") is shown against what is done; other
//     sources show one as a [Planner].
//   - An answer is about the evidence that its form was made of, by its digest. Who gives
//     it is what Handler.Identity makes of the request, never what a form says. The
//     rules are those of runbook.Question.Check: who is excluded is refused. It goes to
//     where the run looks for it, and the run puts it into its journal. Nothing else
//     changes anything.
//   - A [Notice] tells, through Handler.Watch, of a run that asks, has failed or owes.
//   - [ReportHTML] and [ReportMarkdown] write the report of one run, to hand on.
//
// # Mounting it
//
// A proxy in front knows who somebody is, and says so in a header that nobody else can
// set:
//
//	board := &web.Handler{
//		Source: web.Folder{Dir: "/srv/runs"},
//		Identity: func(r *http.Request) (string, error) {
//			who := r.Header.Get("X-Remote-User")
//			if who == "" {
//				return "", errors.New("log in first")
//			}
//			return who, nil
//		},
//		Logger: slog.Default(),
//	}
//	go board.Watch(ctx, "https://tools.example.net/board/", func(ctx context.Context, n web.Notice) {
//		mail(ctx, n.Text, n.Link)
//	})
//	mux := http.NewServeMux()
//	mux.Handle("/board/", http.StripPrefix("/board", board))
//	server := &http.Server{Addr: "127.0.0.1:8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
//	log.Fatal(server.ListenAndServe())
//
// Other identities, as the body of that function:
//
//	// an OpenID Connect session that the tool keeps
//	return sessions.User(r)
//
//	// mutual TLS, with ClientAuth: tls.RequireAndVerifyClientCert
//	return r.TLS.VerifiedChains[0][0].Subject.CommonName, nil
//
//	// a tailnet, with the local client of its daemon
//	peer, err := tailscale.WhoIs(r.Context(), r.RemoteAddr)
//	if err != nil {
//		return "", err
//	}
//	return peer.UserProfile.LoginName, nil
//
// # What it takes care of
//
// Answers are taken from its own pages only (http.CrossOriginProtection); pages load
// nothing from elsewhere, run no script but one file, and are not shown in frames. What
// journals say is escaped, and characters that turn the direction of text are replaced.
// Bodies, texts, steps, streams and waiting for slow clients are bounded. TLS is for the
// server or the proxy. Whoever can read the folder of journals can read more than its
// pages show: it is no place for secrets.
//
// # Where a rule stands
//
//	who asks; which page that is; errors as pages             handler.go
//	hosts, origins, headers, slow readers                     guard.go
//	the source of runs; a folder of journals                  source.go, folder.go
//	the list: what is kept of each journal; filtered          listing.go, list.go
//	the page of a run, and its questions                      run.go
//	steps in groups, each with its state                      groups.go
//	states in words and colours                               word.go
//	around a page; times, results and evidence in lines       frame.go
//	an answer: asked back, refused, too late, delivered       answer.go
//	older evidence: what is different now                     diff.go
//	a page that is live: how many may be, what it is sent     events.go
//	  what has changed in a journal since                     watching.go
//	a plan, held against what is done                         plan.go
//	the report: HTML, Markdown, pictures                      report.go, markdown.go, picture.go
//	when each group was at work; percentages over time        timeline.go, ramp.go
//	a run that asks, has failed or owes is told               notice.go
//
// # What can go wrong
//
//	situation                                             answer
//	Identity refuses                                      403
//	an answer without an identity, or from another site   403
//	no such page, run or file; a name with path tricks    404
//	an answer to what is not asked any more               409, and who answered
//	an answer about older evidence                        409, with the difference
//	somebody was faster                                   409, and who
//	a journal that is damaged                             the page shows what stands before; no answer, 409
//	a body longer than 64 KiB                             413
//	a Host header that is not one of Handler.Hosts        421
//	an answer that breaks a rule of its question          422, and which
//	too many pages are kept live                          503; the page looks by itself now and then
//	the source fails                                      500, and the log says why
package web

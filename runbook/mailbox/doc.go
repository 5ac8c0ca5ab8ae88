// Package mailbox carries questions and answers of runs as files in a folder, so
// that whoever answers need not sit where the run was started.
//
// A [Box] is the folder. It is a runbook.Human: what a run asks is posted, and the
// answer taken from there. Others look at Open and call Answer: a program on the
// command line, a web page, or a person with an editor.
//
// # The files
//
// Beside each other stand, for a NAME that is unlike for each run, step and digest:
//
//	NAME.question.json   the fields of runbook.Question, and answer_file and answer_template
//	NAME.answer.json     the fields of runbook.Answer, with the digest of the question
//
//	{"verdict": "yes", "by": "anna", "account": "alander", "reason": "tested", "digest": "5f0c…"}
//
// Verdict is yes or no; to a question with "doubt": true also stop. The digest is
// copied from the question: an answer is about that evidence and no other. An answer
// is as old as its file. Without account the owner of the file is taken. A question
// is open as long as it has no answer that counts; one that is asked anew about other
// evidence replaces it. Files that are answered may be deleted at any time.
//
// Files appear whole or not at all, and an answer is never replaced: of two, the
// first one counts, and the second is told so.
//
// # Who may read and answer
//
// Who may write to the folder may answer: its permissions are the authentication.
// Ask makes it for its owner alone. For a team, give it to a group
// (chgrp landers DIR; chmod 2770 DIR): files are readable and writable for the group
// if the folder is, and never for all.
//
// # What can go wrong
//
//	situation                                        error
//	no answer yet, or one that is none               runbook.ErrPending
//	the answer breaks a rule of the question         what runbook.Question.Check says
//	somebody was faster                              ErrAnswered
//	nobody asks this here, or not any more           ErrNotAsked
package mailbox

// Folder is the name of the mailbox in a folder of runs, where the journals are.
const Folder = "mailbox"

// Package cdimagetest is a small image host, and the public places that hold
// its logs, for tests of programs that use package cdimage.
//
// [Program] behaves like the host's commands. Its state is a folder, so that it
// works the same from another process: logs, published images, locks, counters,
// and the livefs builds that it asked for. What a run shall go through is set
// with [Knobs]. [LogTree] serves the logs as the public mirror does and
// [Launchpad] the livefs builds and their logs.
//
//	situation                                      how to make it
//	a live file system fails, and why              Knobs.States, Knobs.Reasons
//	its download fails                             Knobs.Downloads
//	a full disk while copying or publishing        Knobs.Crash
//	a run is killed, its log just stops            Knobs.Kill
//	a traceback that means nothing                 Knobs.Tracker
//	mirrors or Launchpad are away                  Knobs.MirrorsDown, Knobs.Launchpad
//	a run that takes its time                      Knobs.Pause
//	a host as of today                             Knobs.Today
package cdimagetest

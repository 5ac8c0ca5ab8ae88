// Package cdimagetest is a small image host, and the public places that hold
// its logs, for tests of programs that use package cdimage.
//
// [Program] behaves like the host's commands. Its state is a folder, so that it
// works the same from another process: logs, published images, locks, counters,
// and the livefs builds that it asked for. What a run shall go through is set
// with [Knobs]. [LogTree] serves the logs as the public mirror does and
// [Launchpad] the livefs builds and their logs. [Generate] writes logs of any
// size for measurements, and [ScoreFolder] compares package cdimage's verdicts
// with a folder of expected ones.
package cdimagetest

package cause

// An Action is one thing to do about a build. The words are stable.
type Action string

// The actions.
const (
	Nothing          Action = "nothing"
	Wait             Action = "wait"              // for a run, a lock, the archive or a mirror
	PublishOnly      Action = "publish-only"      // run again without new livefs builds
	FullRebuild      Action = "full-rebuild"      // run again with new livefs builds
	FixPackage       Action = "fix-package"       // or what it depends on
	FixSeed          Action = "fix-seed"          // the list of packages that the image is made of
	FixLivecdRootfs  Action = "fix-livecd-rootfs" // the scripts that make the live file system
	FixConfiguration Action = "fix-configuration" // of cdimage
	FreeSpace        Action = "free-space"        // on the image host
	TriggerMirrors   Action = "trigger-mirrors"   // the image is published, and they were not told
	SubmitAgain      Action = "submit-again"      // published images, to Test Observer
	ReadLivefsLog    Action = "read-livefs-log"   // the log at hand does not say why
	CorrectCommand   Action = "correct-command"   // the host cannot do what was asked for
	RepeatCommand    Action = "repeat-command"    // as it was
	AskLaunchpad     Action = "ask-launchpad"     // its operators, about a builder
)

// A Remedy is what to do, in order, as a sentence and as actions. What follows a
// semicolon in the sentence is an explanation.
//
// In a [Rule] the sentence may have gaps. {again} is how the image is made again:
// a full rebuild after a fault inside a live file system; otherwise publishing
// again where every live file system was built, and a full rebuild where not. Its action
// is added. {package} is the package concerned; what stands in square brackets
// is left out when none is: "fix the package[ {package}], then {again}".
type Remedy struct {
	Text    string   `json:"text"`
	Actions []Action `json:"actions"`
}

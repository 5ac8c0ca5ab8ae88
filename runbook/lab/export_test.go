package lab

// What the simulation makes its worlds of.
var (
	History        = history
	LaunchpadWorld = launchpadWorld
)

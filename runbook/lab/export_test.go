package lab

// What the simulation makes its worlds of, and what it plays as a lab does.
var (
	PlayLook       = playLook
	Looks          = looks
	History        = history
	LaunchpadWorld = launchpadWorld
)

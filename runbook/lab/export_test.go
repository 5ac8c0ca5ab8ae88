package lab

// What the simulation makes its worlds of, and what it plays as a lab does.
var (
	Play           = play
	History        = history
	LaunchpadWorld = launchpadWorld
	HexSum         = hexSum
)

// Played reports whether a script is known, by the SHA-256 of its text.
func Played(sum string) bool { return scripts()[sum[:12]] != nil }

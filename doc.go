// Package landing is the root of a library with which a landing team runs an
// image-based OTA service: the people who copy PPAs on Launchpad, watch cdimage
// build root file systems, import them into a system-image server, copy images
// from rc-proposed to rc to stable, phase an update in from 0 to 100 % and, on a
// bad day, pull it back within minutes.
//
// The root holds no code. Start with one of these:
//
//   - systemimage: read and operate a system-image server
//   - runbook: procedures as plain Go functions that survive a kill
//   - runbook/procedure: the team's procedures, ready to run or to embed
//   - runbook/remote: one SSH host
//   - runbook/lab: all fakes joined into one world to practise on
//   - examples: one thin program per procedure
package landing

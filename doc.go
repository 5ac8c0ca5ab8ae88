// Package landing is the root of a library with which a landing team runs an
// image-based OTA service: the people who copy PPAs on Launchpad, watch cdimage
// build root file systems, import them into a system-image server, copy images
// from rc-proposed to rc to stable, phase an update in from 0 to 100 % and, on a
// bad day, pull it back within minutes.
//
// The root holds no code. Start with one of these:
//
//   - examples: one thin program per procedure, on a lab or on a real site
//   - runbook/procedure: the team's procedures, ready to run or to embed
//   - runbook: procedures as plain Go functions that survive a kill
//   - systemimage: read a system-image server; beside it keyring, upgrade,
//     treecheck, channelconfig, importlog and operate
//   - cdimage: read build logs, say why an image is missing; cdimage/builder
//     builds it again
//   - launchpad: copy PPAs until they are proven published, build live file systems
//   - phasing: what a percentage means for a device, and schedules
//   - runbook/command, runbook/remote: one program, one SSH host
//   - runbook/terminal, runbook/mailbox, runbook/web: where people answer
//   - runbook/notice: who is not there is told
//   - runbook/lab: all fakes joined into one world to practise on
//
// Each package comment introduces its nouns in reading order and ends with what
// can go wrong.
package landing

// Package phasing is the arithmetic of phased updates: which device is offered an
// image at which percentage, and which percentage a rollout should have by when.
// It reads no clock, no file and no network; times and percentages come in as
// values and go out as values.
//
// The nouns, in reading order:
//
//   - A [Percent] is the phased-percentage that a server publishes for the newest
//     image of a device, 0 to 100. Its true [Percent.Share] is (p+1)/101, not p/100.
//   - Every device has a number for every version, 0 to 100. [Draw] computes it, bit
//     for bit as the device does, from a seed: the channel as it stands there
//     ([SeedChannel]), the target version and the device's machine id ([MachineID]).
//     A percentage lets the device in ([Percent.Admits]) if it is above 0 and not
//     below that number.
//   - [Draws] numbers many devices, [Admitted] keeps those who are in, a [Census]
//     counts them. [EntersAt] is the lowest percentage for a number.
//   - A [Schedule] is a list of [Step]s, each a percentage, how long it is held and
//     whether a person is asked before the next: "1% 2h ask, 10% 6h, 100%". A linear
//     one reads "linear 24h".
//   - A [Course] is a schedule that was started: the start and the [Intervention]s
//     of persons since (halt, resume, approve). Its [State] at a time says what should be published
//     then, what comes next and when.
//
// # What phasing cannot do
//
//   - It recalls nothing. Lowering the percentage takes the offer from devices that
//     have not fetched the image; who has it, keeps it. Back-out means 0 % now and
//     older content under a higher version.
//   - Publishing the next version ends the phasing of this one at 100 %, also of one
//     that was halted at 0: the server keeps a percentage on the newest version only.
//   - While the newest image is phased or halted, a device that is not admitted is
//     not given the one before it either, as soon as a delta leads from there to the
//     newest: the client never ends a path halfway.
//   - There is no share between 0 and 1.98 %: 1 % admits the numbers 0 and 1. So a
//     halt is 0, never 1.
//   - Nobody stays an early adopter: each version draws anew.
//   - A percentage says who may fetch at the next check, not who has fetched.
//
// # Where a rule stands
//
//	the number of a device; its seed, its machine id          draw.go
//	the generator behind it, as CPython has it                twister.go
//	whom a percentage lets in; its share; it is never lowered percent.go
//	many devices                                              census.go
//	a schedule: its steps, when each begins                   schedule.go; its text: parse.go
//	a rollout halted, resumed, asked about, begun late        course.go
//	which error is which                                      errors.go
//
// # Errors
//
// All errors are of type [*Error]; test them with [errors.Is]:
//
//	situation                                              error
//	a schedule or percentage that cannot be read           ErrSyntax
//	a percentage outside 0..100                            ErrRange
//	a step that does not raise the one before it           ErrLowers
//	publishing less than is published now, without a halt  ErrLowers
//	interventions out of order, resume without halt, approval
//	  of nothing, anything before the start                ErrIntervention
//	a machine-id file that is not UTF-8                    ErrMachineID
package phasing

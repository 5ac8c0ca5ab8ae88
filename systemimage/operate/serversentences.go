package operate

import (
	"fmt"
	"strings"
)

// A sentence is what one of the server's programs says when it refuses or dies.
type sentence int

const (
	noSourceChannel sentence = iota
	noDestinationChannel
	noSourceDevice
	noDestinationDevice
	sourceAlias
	destinationAlias
	sourceRedirect
	destinationRedirect
	sourceDeviceRedirect
	destinationDeviceRedirect
	commaInTag
	noVersion
	alreadyLatest

	noChannel
	noDeviceToPhase
	noDeviceToTag
	percentageOutside
	channelAlias
	channelRedirect
	deviceRedirect

	noVersionToPhase
	phaseNotLatest
	noImagesToTag
	tagNotLatest

	leftOverThere
)

// The sentences word for word; %s and %d stand for what differs. Our refusals
// repeat them, so that a person finds them in the server's manual and in old logs;
// what we add stands in refusal.go. Every one is held against recordings of the
// real programs.
var sentences = [...]string{
	// copy-image, in the order of its checks
	noSourceChannel:           "Invalid source channel: %s",
	noDestinationChannel:      "Invalid destination channel: %s",
	noSourceDevice:            "Invalid device for source channel: %s",
	noDestinationDevice:       "Invalid device for destination channel: %s",
	sourceAlias:               "Source channel is an alias.",
	destinationAlias:          "Destination channel is an alias.",
	sourceRedirect:            "Source channel is a redirect.",
	destinationRedirect:       "Destination channel is a redirect.",
	sourceDeviceRedirect:      "Source device is a redirect. Use original channel %s instead.",
	destinationDeviceRedirect: "Destination device is a redirect. Use original channel %s instead.",
	commaInTag:                "Image tag cannot include the character ','.",
	noVersion:                 "Can't find version: %d", // tag-image too
	alreadyLatest:             "Source image is already latest full in destination channel.",

	// set-phased-percentage and tag-image, which differ about an unknown device
	noChannel:         "Invalid channel: %s",
	noDeviceToPhase:   "Invalid device for source channel: %s",
	noDeviceToTag:     "Invalid device for channel: %s",
	percentageOutside: "Invalid value: %d",
	channelAlias:      "Channel is an alias.",
	channelRedirect:   "Channel is a redirect.",
	deviceRedirect:    "Target device is a redirect. Use original channel %s instead.",

	noVersionToPhase: "Version doesn't exist: %d",
	phaseNotLatest:   "Phased percentage can only be set on the latest image",
	noImagesToTag:    "No images in selected channel/device.",
	tagNotLatest:     "You can only tag the latest image.",

	// of every program that commits an index, when a killed one left its own there
	leftOverThere: "Destination already exists: %s",
}

// of is the sentence about something.
func (s sentence) of(about ...any) string { return fmt.Sprintf(sentences[s], about...) }

// in reports whether a text has the sentence, whatever it is about.
func (s sentence) in(text string) bool {
	head, _, _ := strings.Cut(sentences[s], "%")
	return strings.Contains(text, head)
}

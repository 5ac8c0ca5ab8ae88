// Package launchpad works with PPAs and live file system builds on Launchpad:
// it reads archives, publications and builds, copies packages between archives
// and follows every one of them until it is published.
package launchpad

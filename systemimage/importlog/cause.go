package importlog

import (
	"fmt"
	"strings"
)

// cancelCause says why a generator returned None, from the errors it logged
// since it was called and, at debug level, from its hint.
func cancelCause(generator string, calls, news int, errs []string, hint string) (cause, remedy string) {
	said := strings.Join(errs, "; ")
	has := func(text string) bool { return strings.Contains(said, text) }
	switch {
	case generator == "keyring" && news > 0:
		return "the keyring tarball or its signature is missing", "put NAME.tar.xz and NAME.tar.xz.asc into secret/gpg/keyrings (generate-keyrings); no level of the log says so"
	case (generator == "keyring" || generator == "version") && calls == 1:
		return "the " + generator + " generator stands first in files, where nothing can be new yet: the channel can never publish",
			"put keyring and version last in files, in this order"
	case generator == "version":
		return "the version generator found no new file, though there are some", "put keyring and version last in files, in this order"
	case has("HTTP Error 404"), has("HTTP Error 410"):
		return said, "the file is not at this address: upload it, or correct the address in etc/config"
	case has("HTTP Error 4"):
		return said, "the source refuses: check its address and permissions"
	case has("HTTP Error 5"):
		return said, "the source's server fails: wait, or tell its owner; the next import tries again"
	case has("Connection refused"), has("timed out"), has("closed connection"), has("Connection reset"), has("No route to host"), has("unreachable"):
		return said, "the source's server cannot be reached: wait, or correct its address; the next import tries again"
	case has("Name or service not known"), has("name resolution"):
		return said, "the name of the source's server cannot be resolved: correct it in etc/config, or mend the resolver"
	case has("retrieval incomplete"):
		return said, "the download broke off: the next import tries again"
	case has("Invalid or missing version number"):
		return said, "the monitor address must answer with one line, the version: look at what it answers"
	case has("Channel not in the published list"):
		return said, "correct the channel in the arguments of system-image in etc/config"
	case has("Device not in the channel list"):
		return said, "name the device of the other channel with the option device= in etc/config"
	case has("No images found"):
		return said, "the other channel has no image yet: import it first"
	case has("No match found"):
		return said, "the second argument of system-image is a plain prefix of a file name, such as ubuntu"
	case strings.HasSuffix(hint, " in JSON"), strings.Contains(hint, " in JSON: "):
		return "the other server does not have it (" + hint + ")", "correct channel and device in the arguments of remote-system-image in etc/config"
	case strings.HasPrefix(generator, "cdimage-"):
		remedy = "correct path, series and product of the file in etc/config; with import=good a build must carry .marked_good, which is never logged; -vvv tells more"
		switch {
		case strings.HasPrefix(hint, "Directory not found"):
			return hint, "correct the path in etc/config"
		case hint != "":
			return "no build fits (" + hint + ")", remedy
		}
		return "no build fits: wrong path, series or product, no complete build, or none marked good", remedy
	case hint == "Too few arguments":
		return "too few arguments", "complete the arguments of the generator in etc/config"
	case said != "":
		return said, remedyUnknown
	case generator == "http" || generator == "http-cdimage":
		return "the source or its monitor failed without a word, as programs of 2016 do", "ask for both addresses by hand"
	}
	return fmt.Sprintf("the %s generator gave no file and did not say why", generator), "run import-images with -vvv and look at its arguments in etc/config"
}

// exceptionCause says what an exception of the server's programs means, and what
// to do. tool is what xz said before, or empty.
func ExceptionCause(exception, tool string) (cause, remedy string) {
	has := func(text string) bool { return strings.Contains(exception, text) }
	cause = exception
	switch {
	case exception == "Killed", exception == "Terminated":
		return "the program was killed", "look for left-overs before the next run; it may have run out of memory"
	case has("Destination already exists:"):
		return cause, "a killed commit left it over, or another program was committing just then: run cleanup-tree, then again"
	case has("The GPG file signature doesn't exists:"):
		return cause, "a killed or failed run left the file without a signature, and every run stops here: delete it, run cleanup-tree, then again"
	case has("Specified file doesn't exists:"):
		return cause, "put it back from a mirror or a backup"
	case has("No space left on device"):
		return cause, "make room, and delete what this run wrote into the pool and /tmp: it is cut, and the next run would publish it"
	case has("Invalid GPG key name"), has("InvalidSigners"), has("Unusable secret key"):
		return cause, "the signing key on the server is missing or expired: mend it, and delete what this run left unsigned before the next"
	case has("Invalid generator:"):
		return cause, "correct the generator in etc/config: every channel after this one waits for it"
	case has("unknown url type"), has("InvalidURL"), has("nonnumeric port"):
		return cause, "correct the address in etc/config: every channel after this one waits for it"
	case has("BadGzipFile"), has("EOFError"), has("not a gzip file"), has("ReadError") && tool == "":
		return cause, "an archive at its source is cut or is none, such as a page of an error: mend it there; every run stops here until then"
	case has("ReadError"), has("LZMAError"):
		if tool != "" {
			cause += " (" + tool + ")"
		}
		return cause, "a payload is no archive, such as a page of an error: delete it from the pool with its .asc and .json, and correct its source; every run stops here until then"
	case has("Missing channel section"), has("Missing file entry"), has("Missing mirror"), has("Missing key in"), has("'list' object has no attribute"),
		has("invalid literal for int()"), has("int() argument"):
		return cause, "correct etc/config: until then nothing at all is done"
	case has("'NoneType' object has no attribute 'split'"):
		return cause, "version-N.json of the source image does not say its version_detail: put it back from a mirror or a backup"
	case has("NotADirectoryError"):
		return cause, "correct the path in etc/config: it names a file, and every channel after this one waits for it"
	case has("UnicodeDecodeError"):
		return cause, "etc/config, or what a monitor address answers, is no UTF-8 text"
	case has("has no attribute 'public_"):
		return cause, "etc/config lacks public_fqdn or the ports, or cannot be parsed and counts as empty"
	case has("Configuration file doesn't exist"), has("Invalid path:"), has("global.lock"):
		return cause, "the folder or file is missing on the server, or the program runs with another root"
	case has("JSONDecodeError"), has("Invalid index.json"), has("Invalid channels.json"):
		return cause, "channels.json, an index or another .json on the server is damaged: put it back from a mirror or a backup"
	case has("MemoryError"):
		return cause, "the server ran out of memory"
	case has("BadStatusLine"), has("HTTPException"):
		return cause, "the source answers something that is not HTTP: correct its address"
	}
	return cause, "look at the traceback on the standard error stream"
}

// Problem says what an error of [Run.Problems] means and what to do
// about it. ok is false when nothing is known about it.
func Problem(text string) (cause, remedy string, ok bool) {
	if strings.HasPrefix(text, "Invalid channel name: ") {
		return causeNotInTree, remedyNotInTree, true
	}
	cause, remedy = cancelCause("", 2, 0, []string{text}, "")
	return cause, remedy, remedy != remedyUnknown
}

const (
	causeNotInTree  = "the channel is configured, but was never created in the tree"
	remedyNotInTree = "create it in si-shell with pub.create_channel, or take it out of channels in etc/config"
	remedyUnknown   = "look at the source that is named"
)

package importlog

import (
	"regexp"

	"github.com/landingteam/landing/systemimage/internal/host"
)

// query is what stands behind the question mark of an address.
var query = regexp.MustCompile(`(https?://[^\s'"?;]*\?)[^\s'";,]+`)

// Redact takes what may be secret out of the addresses in a text, and shows three dots:
// user and password, and the query.
func Redact(text string) string {
	return query.ReplaceAllString(host.HideSecrets(text), "${1}...")
}

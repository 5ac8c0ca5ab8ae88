package importlog

import (
	"regexp"
	"strings"
)

// What may be secret in an address: what stands before @, and the query.
var (
	secretUser  = regexp.MustCompile(`://[^/@\s'"]*@|\b[^/@\s'"=;]+:[^/@\s'"]+@`)
	secretPort  = regexp.MustCompile(`(nonnumeric port: ['"])[^\s]*@`) // for which the server's downloads take a password
	secretQuery = regexp.MustCompile(`(https?://[^\s'"?;]*\?)[^\s'";,]+`)
)

// Redact takes secrets out of the addresses in a text, and shows three dots.
func Redact(text string) string {
	text = secretUser.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, "://") {
			return "://...@"
		}
		return "...@"
	})
	text = secretPort.ReplaceAllString(text, "${1}...@")
	return secretQuery.ReplaceAllString(text, "${1}...")
}

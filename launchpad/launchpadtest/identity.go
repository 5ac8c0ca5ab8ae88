package launchpadtest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/landingteam/landing/launchpad/value"
)

// identify finds out who asks, or answers why the token is not taken.
func (s *Server) identify(q *query) *answer {
	h, ok := strings.CutPrefix(q.Header.Get("Authorization"), "OAuth ")
	if !ok {
		return nil
	}
	fields := map[string]string{}
	for _, p := range strings.Split(h, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(p), "=")
		fields[k], _ = url.QueryUnescape(strings.Trim(v, `"`))
	}
	key := fields["oauth_token"]
	if key == "" {
		return nil
	}
	if fields["oauth_signature_method"] != "PLAINTEXT" {
		return text(400, "Only PLAINTEXT signature method is supported.")
	}
	w := s.world
	if w.NoTokenCheck && len(w.People) > 0 {
		q.viewer, q.access = w.People[0].Name, "WRITE_PRIVATE"
		return nil
	}
	t := find(w.Tokens, func(t *Token) bool { return t.Key == key })
	switch {
	case t == nil:
		return text(401, "Unknown access token (%s).", key)
	case t.Expired:
		return text(401, "Expired token (%s).", key)
	case fields["oauth_signature"] != "&"+t.Secret:
		return text(401, "Invalid signature.")
	}
	q.viewer, q.access = t.Person, orElse(t.Access, "WRITE_PRIVATE")
	return nil
}

// sees reports whether the caller may see an archive's fields and contents.
func (s *Server) sees(q *query, a *Archive) bool {
	return !a.Private && !a.Disabled || s.seesPrivate(q, a.Owner)
}

func (s *Server) seesPrivate(q *query, owner string) bool {
	return strings.HasSuffix(q.access, "PRIVATE") && s.world.memberOf(q.viewer, owner)
}

// reads reports whether the caller may list an archive's publications; a
// subscriber may, and sees little else.
func (s *Server) reads(q *query, a *Archive) bool {
	return s.sees(q, a) || !a.Disabled && strings.HasSuffix(q.access, "PRIVATE") && slices.Contains(a.Subscribers, q.viewer)
}

// may reports whether the caller may change what owner owns.
func (s *Server) may(q *query, owner string) bool {
	return strings.HasPrefix(q.access, "WRITE") && s.world.memberOf(q.viewer, owner)
}

func denied(kind, attribute, permission string) *answer {
	return text(401, "(<lp.soyuz.model.%s object at 0x7f2c1c0b1d30>, '%s', '%s')", kind, attribute, permission)
}

// tokenPages are the pages of the web host that hand out tokens.
func (s *Server) tokenPages(q *query, path string) *answer {
	switch {
	case path == "+request-token" && q.Method == http.MethodPost:
		return s.requestToken(q)
	case path == "+access-token" && q.Method == http.MethodPost:
		return s.accessToken(q)
	case path == "+authorize-token":
		return html(200, "Authorize application to access Launchpad on your behalf")
	}
	return html(404, "Error: Page not found")
}

// badSignature checks how a request for a token is signed.
func badSignature(q *query, secret, refusal string) *answer {
	switch {
	case q.params.Get("oauth_signature_method") != "PLAINTEXT":
		return text(400, "")
	case q.params.Get("oauth_signature") != "&"+secret:
		return text(401, "%s", refusal)
	}
	return nil
}

// requestToken registers the consumer and makes a token for a person to review, as
// JSON where exactly that is accepted.
func (s *Server) requestToken(q *query) *answer {
	w, consumer := s.world, q.params.Get("oauth_consumer_key")
	if consumer == "" {
		return text(401, "")
	}
	if bad := badSignature(q, "", ""); bad != nil {
		return bad
	}
	t := &Token{Key: fmt.Sprintf("request%d", w.id()), Secret: fmt.Sprintf("requestsecret%d", w.id()), Consumer: consumer}
	w.Requests = append(w.Requests, t)
	if q.Header.Get("Accept") != "application/json" {
		return text(200, "oauth_token=%s&oauth_token_secret=%s", t.Key, t.Secret)
	}
	levels := []object{}
	for _, l := range [...][2]string{{"UNAUTHORIZED", "No Access"}, {"READ_PUBLIC", "Read Non-Private Data"}, {"WRITE_PUBLIC", "Change Non-Private Data"},
		{"READ_PRIVATE", "Read Anything"}, {"WRITE_PRIVATE", "Change Anything"}} {
		levels = append(levels, object{"value": l[0], "title": l[1]})
	}
	return jsonAnswer(object{"oauth_token": t.Key, "oauth_token_secret": t.Secret, "oauth_token_consumer": consumer, "access_levels": levels})
}

// accessToken exchanges a token that a person has reviewed.
func (s *Server) accessToken(q *query) *answer {
	w, consumer := s.world, q.params.Get("oauth_consumer_key")
	if !slices.ContainsFunc(slices.Concat(w.Requests, w.Tokens), func(t *Token) bool { return t.Consumer == consumer && consumer != "" }) {
		return text(401, "") // nobody has ever asked for it
	}
	t := find(w.Requests, func(t *Token) bool { return t.Key == q.params.Get("oauth_token") && t.Consumer == consumer })
	if t == nil {
		return text(401, "No request token specified.")
	}
	if bad := badSignature(q, t.Secret, "Invalid OAuth signature."); bad != nil {
		return bad
	}
	switch {
	case !t.Reviewed:
		return text(401, "Request token has not yet been reviewed. Try again later.")
	case t.Refused:
		return text(403, "End-user refused to authorize request token.")
	}
	w.Requests = slices.DeleteFunc(w.Requests, func(o *Token) bool { return o == t })
	granted := &Token{Key: fmt.Sprintf("access%d", w.id()), Secret: fmt.Sprintf("accesssecret%d", w.id()), Person: t.Person, Access: t.Access, Consumer: consumer}
	w.Tokens = append(w.Tokens, granted)
	return text(200, "oauth_token=%s&oauth_token_secret=%s&lp.context=None", granted.Key, granted.Secret)
}

// Review answers the request token on the page a person was shown: with a level
// of access it is granted to person, with "" refused.
func (s *Server) Review(page, person, access string) error {
	u, err := url.Parse(page)
	if err != nil {
		return err
	}
	err = fmt.Errorf("launchpadtest: no request token on %s", page)
	s.Do(func(w *World) {
		if t := find(w.Requests, func(t *Token) bool { return t.Key == u.Query().Get("oauth_token") }); t != nil {
			t.Person, t.Access, t.Reviewed, t.Refused, err = person, access, true, access == "", nil
		}
	})
	return err
}

// html is a page of the web host.
func html(status int, title string) *answer {
	return &answer{status: status, kind: "text/html;charset=utf-8", body: fmt.Appendf(nil, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body></body></html>\n", title)}
}

// secret stands in for a value the caller may not read.
func secret[T any](visible bool, v T) any {
	if visible {
		return v
	}
	return value.Redacted
}

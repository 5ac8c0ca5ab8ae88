package launchpad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	loginTakes = 15 * time.Minute // at most, until a person has answered
	loginEvery = time.Second
)

// Login obtains an access token for the program that Client.Consumer names: it
// requests one, gives show the page on which a person grants it, and waits, for a
// quarter of an hour at most. Access levels to choose from can be given, such as
// "WRITE_PUBLIC"; without any, Launchpad offers all. Store the result with
// [Credentials.WriteFile].
//
// A refusal is [ErrRefused], waiting in vain [ErrTimeout]. Where show is nil,
// nobody is there: Login fails at once with [ErrNoCredentials] and asks Launchpad
// for nothing.
func (c *Client) Login(ctx context.Context, show func(page string), access ...string) (*Credentials, error) {
	if show == nil {
		return nil, ErrNoCredentials
	}
	if c.ReadOnly {
		return nil, &Error{Method: http.MethodPost, URL: "+request-token", Kind: ErrReadOnly}
	}
	web, err := c.webRoot()
	if err != nil {
		return nil, err
	}
	form := url.Values{"oauth_consumer_key": {c.consumer()}, "oauth_signature_method": {"PLAINTEXT"}, "oauth_signature": {"&"}}
	token, secret, err := c.tokenPage(ctx, web, "+request-token", form)
	if err != nil {
		return nil, fmt.Errorf("cannot request a token: %w", err)
	}
	page := web.JoinPath("+authorize-token")
	page.RawQuery = url.Values{"oauth_token": {token}, "allow_permission": access}.Encode()
	show(page.String())

	form.Set("oauth_token", token)
	form.Set("oauth_signature", "&"+secret)
	for end := c.now().Add(loginTakes); ; {
		token, secret, err := c.tokenPage(ctx, web, "+access-token", form)
		if err == nil {
			return NewCredentials(c.consumer(), token, secret), nil
		}
		var e *Error
		if !errors.As(err, &e) {
			return nil, err
		}
		wait := e.Status == http.StatusUnauthorized && strings.HasPrefix(e.Message, "Request token has not yet been reviewed")
		if !wait && e.Status < 500 && (e.Err == nil || !temporary(e.Err)) {
			return nil, fmt.Errorf("cannot log in: %w", err)
		}
		if !c.now().Before(end) {
			return nil, &Error{Method: http.MethodPost, URL: safeURL(web.JoinPath("+access-token")), Kind: ErrTimeout,
				Message: fmt.Sprintf("nobody authorised %q within %v", c.consumer(), loginTakes)}
		}
		if err := c.sleep(ctx, loginEvery); err != nil {
			return nil, err
		}
	}
}

// tokenPage posts to one of the two pages that hand out tokens. Polling them
// changes nothing, and a request token that was not seen is never used.
func (c *Client) tokenPage(ctx context.Context, web *url.URL, path string, form url.Values) (token, secret string, err error) {
	u := web.JoinPath(path)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Referer", web.String())
	req.Header.Set("User-Agent", c.consumer())
	hc := c.httpClient()
	hc.Timeout = time.Minute
	resp, err := hc.Do(req)
	if err != nil {
		return "", "", transportError(req, err)
	}
	defer resp.Body.Close()
	body, err := readBody(resp, 1<<20)
	if err != nil {
		return "", "", transportError(req, err)
	}
	if resp.StatusCode != http.StatusOK {
		sent := NewCredentials("", form.Get("oauth_token"), strings.TrimPrefix(form.Get("oauth_signature"), "&"))
		e := responseError(req, resp, body, sent)
		e.Doubt = false
		return "", "", e
	}
	if token, secret = parseToken(body); token == "" || secret == "" {
		// The text may hold half a secret: it is not shown.
		return "", "", &Error{Method: http.MethodPost, URL: safeURL(u), Status: resp.StatusCode, Kind: ErrServer, Message: "no token in the answer"}
	}
	return token, secret, nil
}

// parseToken reads both forms of a token: that of a web form, and an object.
func parseToken(body []byte) (token, secret string) {
	var v struct {
		Token  string `json:"oauth_token"`
		Secret string `json:"oauth_token_secret"`
	}
	if json.Unmarshal(body, &v) == nil {
		return v.Token, v.Secret
	}
	form, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil {
		return "", ""
	}
	return form.Get("oauth_token"), form.Get("oauth_token_secret")
}

package main

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
)

// A key makes whoever has the printed address one person, by a cookie: a port on
// loopback is open to everybody on the machine.
type key struct {
	name   string // of the person
	secret string
}

const cookie = "landing-board"

func newKey(name string) key { return key{name, rand.Text()} }

// identity is the Identity of a web.Handler.
func (k key) identity(r *http.Request) (string, error) {
	c, err := r.Cookie(cookie)
	if err != nil || !k.opens(c.Value) {
		return "", nil // may read
	}
	return k.name, nil
}

func (k key) opens(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(secret), []byte(k.secret)) == 1
}

// handler takes the key from the address, where it would be seen, into the cookie.
func (k key) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && k.opens(r.URL.Query().Get("key")) {
			http.SetCookie(w, &http.Cookie{Name: cookie, Value: k.secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			w.Header().Set("Referrer-Policy", "no-referrer")
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

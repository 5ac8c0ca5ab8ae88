package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"
)

// Only who has opened the address with the key is the person; the key does not stay in
// the address.
func TestKey(t *testing.T) {
	k := newKey("anna")
	if k.secret == newKey("anna").secret {
		t.Error("two boards have one key")
	}
	var who string
	srv := httptest.NewServer(k.handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, _ = k.identity(r)
	})))
	defer srv.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for _, tc := range []struct{ path, who, ends string }{
		{"/", "", "/"},
		{"/?key=", "", "/?key="},
		{"/?key=" + k.secret[1:], "", "/?key=" + k.secret[1:]},
		{"/run/?key=" + k.secret, "", "/run/?key=" + k.secret},
		{"/?key=" + k.secret, "anna", "/"},
		{"/run/", "anna", "/run/"},
	} {
		who = "nobody asked"
		answer, err := client.Get(srv.URL + tc.path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if ends := answer.Request.URL.RequestURI(); who != tc.who || ends != tc.ends {
			t.Errorf("%s: %q at %s, want %q at %s", tc.path, who, ends, tc.who, tc.ends)
		}
	}
}

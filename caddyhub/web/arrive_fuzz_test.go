package web

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
)

// FuzzOffer reads tokens out of whatever addresses and forms somebody sends. Where a
// browser is sent afterwards is on this site and without a token, and a body that has
// been looked into is whole.
func FuzzOffer(f *testing.F) {
	for _, seed := range [][2]string{
		{"/hub/login?login_token=x&next=/y", ""}, {"//evil.example.org/?login_token=x", ""}, {"/x?login%5Ftoken=a&&=&login_token", "login_token=b"},
		{"/?a;login_token=x;b", "login_token=%zz&x"}, {"/%5c%2f/?login_token=%00", "x=login_token"}, {"/a?login_token=x#login_token=y", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	a := &Arrivals{Parameter: "login_token"}
	f.Fuzz(func(t *testing.T, target, body string) {
		r, err := http.NewRequest(http.MethodPost, "http://hub.example.org/", strings.NewReader(body))
		if err != nil {
			return
		}
		if r.URL, err = url.ParseRequestURI(target); err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		o := a.offer(r)
		rest := new(strings.Builder)
		if _, err := io.Copy(rest, r.Body); err != nil || rest.String() != body {
			t.Errorf("the body %q became %q, %v", body, rest, err)
		}
		if !o.good {
			return
		}
		if clean, ok := (nexturl.Site{}).Clean(o.clean); !ok || clean != o.clean || strings.HasPrefix(o.clean, "//") {
			t.Errorf("%q leads to %q", target, o.clean)
		}
		_, query, _ := strings.Cut(o.clean, "?")
		if values, _ := url.ParseQuery(query); values.Has(a.Parameter) {
			t.Errorf("%q: %q still has a token", target, o.clean)
		}
	})
}

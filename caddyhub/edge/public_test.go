package edge

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// TestPublic: everybody reaches a public service, by pages, scripts and sockets,
// and the service gets what they have sent but for what is the hub's.
func TestPublic(t *testing.T) {
	s := newSite(t)
	s.put("/services/board/", route.Data{Service: "board", Public: true})
	ada := s.login("ada")
	for name, test := range map[string]struct {
		method, target string
		changes        []change
	}{
		"nobody":                       {"GET", "/services/board/x?token=abc", []change{navigation}},
		"nobody, from a script":        {"POST", "/services/board/x", []change{script}},
		"nobody, by socket":            {"GET", "/services/board/ws?token=abc", []change{socket}},
		"a user":                       {"GET", "/services/board/x", []change{ada.in, navigation}},
		"a user, from a script":        {"POST", "/services/board/x", []change{ada.in, script}},
		"a token that the hub has":     {"GET", "/services/board/x", []change{bearer(s.token("ada", "inherit"))}},
		"a token that it has not":      {"GET", "/services/board/x", []change{bearer("a-token-of-the-board")}},
		"cookies of the service":       {"GET", "/services/board/x", []change{header("Cookie", "service-board=1; _xsrf=2")}},
		"a user who may not elsewhere": {"GET", "/services/board/x", []change{s.login("bob").in}},
	} {
		var arrived *http.Request
		sent := ""
		got := s.through(test.method, test.target, func(w http.ResponseWriter, r *http.Request) error {
			arrived, sent = r, r.URL.RequestURI()
			w.Header().Add("Set-Cookie", "_xsrf=of-the-service; Path=/services/board/")
			w.Header().Add("Set-Cookie", "caddyhub-session=stolen; Path=/")
			w.WriteHeader(http.StatusOK)
			return nil
		}, test.changes...)
		if got.StatusCode != http.StatusOK || arrived == nil {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
			continue
		}
		want, _ := http.NewRequest(test.method, test.target, nil)
		for _, change := range test.changes {
			change(want)
		}
		if sent != test.target || arrived.Header.Get("Authorization") != want.Header.Get("Authorization") {
			t.Errorf("%s: %s with %q arrived", name, sent, arrived.Header.Get("Authorization"))
		}
		if cookies := arrived.Header.Get("Cookie"); strings.Contains(cookies, "caddyhub-session") || strings.Contains(want.Header.Get("Cookie"), "_xsrf") && cookies != "service-board=1; _xsrf=2" {
			t.Errorf("%s: the cookies %q arrived", name, cookies)
		}
		if cookies := strings.Join(got.Header["Set-Cookie"], ", "); cookies != "_xsrf=of-the-service; Path=/services/board/" {
			t.Errorf("%s: the cookies %q came back", name, cookies)
		}
	}
	if got := s.get("/services/board/%2e%2e/x", navigation); got.StatusCode != http.StatusBadRequest {
		t.Errorf("an ambiguous path: %d", got.StatusCode)
	}
}

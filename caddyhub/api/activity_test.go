package api_test

import (
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// last is when something was last active.
func (h *hub) last(name string) (at time.Time) {
	h.t.Helper()
	err := h.directory.Store().View(h.t.Context(), func(r store.Reader) (err error) {
		at, err = h.directory.Activity().Last(r, name)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return at
}

// TestActive says whose requests count as activity, and when the next one does.
func TestActive(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	h := newHub(t, func(s *settings) { s.api.Now = func() time.Time { return now } })
	user := identity.ActivityOfUser("ada")
	own := h.tokenWith(identity.NewToken{Owner: identity.UserOwner("ada"), Scopes: []string{"inherit"}, Note: "Server at /user/ada/"})
	ask := request{method: "GET", path: "/user", token: own}
	h.expect(ask, 200, "")
	if at := h.last(user); !at.IsZero() {
		t.Errorf("the server's own token counts as the user's activity: %v", at)
	}
	if at := h.last(identity.ActivityOfToken(h.tokens("ada")[0]["id"].(string))); !at.Equal(now) {
		t.Errorf("the token's own activity: %v", at)
	}
	ask.token = h.token("ada", "inherit")
	for _, step := range []struct{ after, counts time.Duration }{{0, 0}, {30 * time.Second, 0}, {31 * time.Second, 31 * time.Second}} {
		begin := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		now = begin.Add(step.after)
		h.expect(ask, 200, "")
		if at := h.last(user); !at.Equal(begin.Add(step.counts)) {
			t.Errorf("after %s: %v", step.after, at)
		}
	}
	// What is refused is no activity.
	cookie, _ := h.session("bob")
	h.expect(request{method: "POST", path: "/users/bob/server", cookie: cookie}, 403, "")
	if at := h.last(identity.ActivityOfUser("bob")); !at.IsZero() {
		t.Errorf("a forged request counts as activity: %v", at)
	}
}

func TestPostActivity(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	h := newHub(t, func(s *settings) { s.api.Now = func() time.Time { return now } })
	h.ready("ada", "lab")
	// As a single-user server has it.
	token := h.tokenWith(identity.NewToken{
		Owner: identity.UserOwner("ada"), Scopes: []string{"users:activity!user"}, Note: "Server at /user/ada/lab/",
	})
	post := func(body string) request {
		return request{method: "POST", path: "/users/ada/activity", body: body, token: token}
	}
	const (
		neither = "body must contain at least one of `last_activity` or `servers`"
		shape   = "servers must be a dict of the form {server_name: {last_activity: timestamp}}"
	)
	before := h.last(identity.ActivityOfUser("ada"))
	for body, want := range map[string]string{
		``: "body must be a json dict", `[]`: "body must be a json dict", `{`: "Invalid JSON in body of request",
		`{}`: neither, `{"last_activity":null,"servers":{}}`: neither,
		`{"servers":[1]}`:       shape,
		`{"servers":{"lab":1}}`: shape, `{"servers":{"lab":{}}}`: shape,
		`{"servers":{"x":{"last_activity":"2026-11-22T09:00:00Z"}}}`:                           "No such server 'x' for user ada",
		`{"last_activity":"yesterday"}`:                                                        "Not a valid timestamp: 'yesterday'",
		`{"last_activity":17}`:                                                                 "Not a valid timestamp: 17",
		`{"last_activity":"2026-11-22T11:00:00Z"}`:                                             "Rejecting activity from more than an hour in the future: 2026-11-22T11:00:00Z",
		`{"last_activity":"2026-11-22T09:00:00Z","servers":{"lab":{"last_activity":"never"}}}`: "Not a valid timestamp: 'never'",
	} {
		h.expect(post(body), 400, want)
	}
	if at := h.last(identity.ActivityOfUser("ada")); !at.Equal(before) {
		t.Errorf("a refused report was taken in part: %v", at)
	}
	for text, want := range map[string]time.Time{
		"2026-11-22T10:01:00Z":             now.Add(time.Minute),
		"2026-11-22T10:02:00.123456Z":      now.Add(2*time.Minute + 123456*time.Microsecond),
		"2026-11-22T12:03:00+02:00":        now.Add(3 * time.Minute),
		"2026-11-22T10:04:00":              now.Add(4 * time.Minute),
		"2026-11-22 10:05:00.5+00:00":      now.Add(5*time.Minute + 500*time.Millisecond),
		"2026-11-22T10:58:59.999999+00:00": now.Add(59*time.Minute - time.Microsecond),
	} {
		fresh := newHub(t, func(s *settings) { s.api.Now = func() time.Time { return now } })
		r := post(`{"last_activity":"` + text + `"}`)
		r.token = fresh.token("ada", "users:activity")
		fresh.expect(r, 200, "")
		if at := fresh.last(identity.ActivityOfUser("ada")); !at.Equal(want) {
			t.Errorf("%s: %v, not %v", text, at, want)
		}
	}
	server := identity.ActivityOfServer("ada", "lab")
	later := h.last(server).Add(time.Hour).UTC().Truncate(time.Second)
	now = later
	h.expect(post(`{"servers":{"lab":{"last_activity":"`+later.Format(time.RFC3339)+`"}}}`), 200, "")
	h.expect(post(`{"servers":{"lab":{"last_activity":"2001-01-01T00:00:00Z"}}}`), 200, "")
	if at := h.last(server); !at.Equal(later) {
		t.Errorf("activity of the server went from %v to %v", later, at)
	}
	h.expect(request{method: "POST", path: "/users/nobody/activity", token: h.token("root", "inherit"), body: "{}"}, 404, "No such user: 'nobody'")
}

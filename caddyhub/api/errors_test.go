package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/browser"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestDescribe holds the one place that turns errors into statuses to what
// matters: trouble of ours is never a 401 or 403, and no cause is told.
func TestDescribe(t *testing.T) {
	secret := errors.New("sesame")
	for name, c := range map[string]struct {
		err    error
		status int
		retry  time.Duration
	}{
		"store away":             {store.ErrUnavailable, 503, unavailableRetry},
		"store away, wrapped":    {fmt.Errorf("reading: %w: %w", store.ErrUnavailable, secret), 503, unavailableRetry},
		"store away in a denial": {errors.Join(browser.ErrXSRF, store.ErrUnavailable), 503, unavailableRetry},
		"too many conflicts":     {store.ErrConflict, 503, unavailableRetry},
		"store closed":           {store.ErrClosed, 503, unavailableRetry},
		"node closing":           {server.ErrClosed, 503, unavailableRetry},
		"too slow":               {context.DeadlineExceeded, 503, unavailableRetry},
		"client gone":            {context.Canceled, 503, unavailableRetry},
		"impossible name":        {fmt.Errorf("new: %w", identity.ErrName), 400, 0},
		"unknown impossible":     {fmt.Errorf("%w: %w", identity.ErrNotFound, identity.ErrName), 404, 0},
		"unknown user":           {identity.ErrNotFound, 404, 0},
		"unknown server":         {&server.Error{Kind: server.ErrNotFound, Status: 404, Message: "x"}, 404, 0},
		"throttled":              {&server.Error{Kind: server.ErrSpawnLimit, Status: 429, RetryAfter: 31 * time.Second}, 429, 31 * time.Second},
		"XSRF":                   {fmt.Errorf("%w cookie does not match", browser.ErrXSRF), 403, 0},
		"no such path":           {errNoRoute, 404, 0},
		"path that is no text":   {errPathText, 400, 0},
		"wrong type in store":    {fmt.Errorf("%w: %w", store.ErrType, secret), 500, 0},
		"anything":               {secret, 500, 0},
		"ours":                   {fmt.Errorf("doing: %w", &failure{status: 409, err: secret}), 409, 0},
		"invalid credentials":    {identity.ErrInvalid, 500, 0}, // whoever lets it come here has forgotten what it means
	} {
		if got := describe(c.err); got.status != c.status || got.retryAfter != c.retry {
			t.Errorf("%s: %d after %s, want %d after %s", name, got.status, got.retryAfter, c.status, c.retry)
		}
		answer := httptest.NewRecorder()
		New(Options{}).fail(answer, httptest.NewRequest(http.MethodGet, "/hub/api/x", nil), c.err)
		if answer.Code != c.status || strings.Contains(answer.Body.String(), "sesame") || strings.Contains(answer.Body.String(), `"message":""`) {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
	var log strings.Builder
	secretive := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	secretive.fail(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/hub/api/authorizations/token/sesame?x=sesame", nil), store.ErrUnavailable)
	if strings.Contains(log.String(), "sesame") || !strings.Contains(log.String(), "/authorizations/token/{token}") {
		t.Errorf("log: %s", log.String())
	}
	answer := httptest.NewRecorder()
	New(Options{}).fail(answer, httptest.NewRequest(http.MethodGet, "/", nil), &failure{status: 429, retryAfter: 1500 * time.Millisecond})
	if answer.Header().Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q, not whole seconds", answer.Header().Get("Retry-After"))
	}
}

// TestEveryEndpointIsGuarded finds endpoints that were added without a thought
// about who may call them.
func TestEveryEndpointIsGuarded(t *testing.T) {
	open := map[string]bool{
		"GET /": true, "GET /health": true, "HEAD /health": true, "POST /authorizations/token": true,
	}
	// These look at the caller themselves.
	own := map[string]bool{
		"GET /user": true, "GET /metrics": true, "POST /users/{user}/tokens": true, "GET /authorizations/token/{token}": true,
		"GET /authorizations/cookie/{cookie}": true, "GET /authorizations/cookie/{cookie}/{token}": true,
	}
	for _, path := range New(Options{}).routes.paths {
		for method, e := range path.byMethod {
			name := method + " " + path.pattern
			switch e.permit.who {
			case anybody:
				if !open[name] {
					t.Errorf("%s is open to anybody", name)
				}
			case identified:
				if !own[name] {
					t.Errorf("%s is open to everybody who is known", name)
				}
			case scoped, listing:
				if len(e.permit.scopes) == 0 {
					t.Errorf("%s needs no scope", name)
				}
				if strings.Contains(path.pattern, "{user}") && e.permit.on == onHub {
					t.Errorf("%s does not check scopes on the user in its path", name)
				}
				for variable, on := range map[string]on{"{server}": onServer, "{group}": onGroup, "{service}": onService} {
					if strings.Contains(path.pattern, variable) && e.permit.on != on {
						t.Errorf("%s does not check scopes on the %s in its path", name, variable)
					}
				}
			}
		}
	}
}

package exchange

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The question is that of JupyterHub's forced login, and so are the answers.
func TestOpaque(t *testing.T) {
	n, p := newNode(t), newPortal(t)
	p.answer = `{"name": "ada", "id": 12345678901234567890}`
	arrival, err := p.exchange(t, n).Redeem(t.Context(), n.Directory, canary)
	if err != nil || arrival.User != "ada" || arrival.Limit("ada") != nil || arrival.Groups != nil || arrival.Admin != nil {
		t.Fatalf("%+v, %v", arrival, err)
	}
	asked := p.asked[0]
	got := []string{asked.Method, asked.URL.Path, asked.Header.Get("Content-Type"), asked.Header.Get("Authorization"), p.tokens[0]}
	if diff := cmp.Diff([]string{"POST", "/login", "application/json", "Bearer hub", canary}, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(arrival.ID, canary) || len(arrival.ID) != 2*shown {
		t.Errorf("id %q", arrival.ID)
	}
}

func TestAnswersOfThePortal(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		answer string
		want   error
	}{
		"unknown":          {404, `{"message": "invalid token"}`, ErrRefused},
		"gone":             {410, ``, ErrRefused},
		"expired":          {400, `{"message": "expired"}`, ErrExpired},
		"our credentials":  {401, ``, ErrUnavailable},
		"forbidden":        {403, ``, ErrUnavailable},
		"elsewhere":        {302, ``, ErrUnavailable},
		"created":          {201, `{"name": "ada"}`, ErrUnavailable},
		"too many":         {429, ``, ErrUnavailable},
		"broken":           {500, ``, ErrUnavailable},
		"proxy":            {502, `<html>`, ErrUnavailable},
		"no JSON":          {200, `<html>` + canary, ErrUnavailable},
		"a list":           {200, `["ada"]`, ErrUnavailable},
		"null":             {200, `null`, ErrUnavailable},
		"two objects":      {200, `{"name":"ada"}{"name":"bob"}`, ErrUnavailable},
		"huge":             {200, `{"name":"ada","x":"` + strings.Repeat("x", maxAnswer) + `"}`, ErrUnavailable},
		"nobody":           {200, `{}`, ErrRefused},
		"nothing":          {200, `{"name": ""}`, ErrRefused},
		"an object":        {200, `{"name": {"first": "ada"}}`, ErrRefused},
		"a long name":      {200, `{"name": "` + strings.Repeat("a", maxUser+1) + `"}`, ErrRefused},
		"scopes of nobody": {200, `{"name": "ada", "scopes": ["nonsense"]}`, ErrRefused},
	} {
		n, p := newNode(t), newPortal(t)
		p.status, p.answer = test.status, test.answer
		arrival, err := p.exchange(t, n).Redeem(t.Context(), n.Directory, canary)
		if arrival != nil || !errors.Is(err, test.want) || len(p.asked) != 1 {
			t.Errorf("%s: %+v, %v after %d questions, want %v", name, arrival, err, len(p.asked), test.want)
		}
		tells(t, name, err)
		// What was not consumed can be tried again, once the portal is up.
		p.status, p.answer = 200, `{"name": "ada"}`
		if _, err := p.exchange(t, n).Redeem(t.Context(), n.Directory, canary); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
}

func TestPortalIsDown(t *testing.T) {
	n, p := newNode(t), newPortal(t)
	e := p.exchange(t, n)
	p.Close()
	_, err := e.Redeem(t.Context(), n.Directory, canary)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	tells(t, "down", err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Redeem(ctx, n.Directory, canary); !errors.Is(err, ErrUnavailable) {
		t.Errorf("hung up: %v", err)
	}
}

// A portal that accepts a token again and again does not make two sessions here.
func TestOpaqueOnce(t *testing.T) {
	n, p := newNode(t), newPortal(t)
	e := p.exchange(t, n)
	for i, want := range []error{nil, ErrUsed, ErrUsed} {
		if _, err := e.Redeem(t.Context(), n.Directory, canary); !errors.Is(err, want) {
			t.Errorf("time %d: %v, want %v", i+1, err, want)
		}
	}
	n.clock.Advance(remembered + time.Second)
	if _, err := e.Redeem(t.Context(), n.Directory, canary); err != nil {
		t.Errorf("after a day: %v", err)
	}
}

func TestTokensThatAreNone(t *testing.T) {
	n, p := newNode(t), newPortal(t)
	e := p.exchange(t, n)
	for name, token := range map[string]string{
		"nothing": "", "huge": strings.Repeat("x", MaxToken+1), "space": "a b", "line feed": "a\n", "zero": "a\x00", "not ASCII": "é", "not UTF-8": "\xff",
	} {
		if _, err := e.Redeem(t.Context(), n.Directory, token); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(p.asked) != 0 {
		t.Errorf("the portal was asked %d times about nonsense", len(p.asked))
	}
}

func TestNewOpaqueRefuses(t *testing.T) {
	for _, url := range []string{"", "portal", "ftp://portal/x", "https://", "https://user:password@portal/x", "http://[::1"} {
		if _, err := NewOpaque(OpaqueOptions{URL: url}); err == nil || strings.Contains(err.Error(), "password") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := NewOpaque(OpaqueOptions{URL: "http://127.0.0.1:9000/login", Header: http.Header{}}); err != nil {
		t.Error(err)
	}
}

package pam

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
)

const password = "Engine-1"

// script plays PAM.
type script struct {
	called  atomic.Int64
	account error
	err     error
	block   chan struct{}
	heard   []string
	renames string
}

func (s *script) Authenticate(name, remote string, answers []string, account bool) (string, error) {
	s.called.Add(1)
	if s.block != nil {
		<-s.block
	}
	switch {
	case s.err != nil:
		return "", s.err
	case name != "ada" || answers[0] != password:
		return "", fmt.Errorf("%w: PAM", authenticator.ErrDenied)
	case account && s.account != nil:
		return "", s.account
	case s.renames != "":
		return s.renames, nil
	}
	return name, nil
}

func (s *script) Account(string) error { return s.account }

func (s *script) Session(name string, open bool) error {
	s.heard = append(s.heard, fmt.Sprint(name, " ", open))
	return s.err
}

func with(s stack, change func(*Options)) *Authenticator {
	o := Options{Threads: 2, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler), Groups: func(string) ([]string, error) { return []string{"users", "wheel"}, nil }}
	if change != nil {
		change(&o)
	}
	return &Authenticator{options: o, stack: s, threads: make(chan struct{}, o.Threads)}
}

func attempt(name, password string) authenticator.Attempt {
	return authenticator.Attempt{Form: map[string]string{"username": name, "password": password}, Remote: netip.MustParseAddr("192.0.2.1")}
}

func TestContract(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Subject{
		New:      func(*testing.T) authenticator.Authenticator { return with(new(script), nil) },
		Good:     attempt("ada", password),
		Identity: authenticator.Identity{Name: "ada"},
		Broken: func(*testing.T) authenticator.Authenticator {
			return with(&script{err: fmt.Errorf("%w: no module", authenticator.ErrUnavailable)}, nil)
		},
	})
}

func TestNamesAndGroups(t *testing.T) {
	yes, no := new(true), new(false)
	for about, test := range map[string]struct {
		change func(*Options)
		stack  *script
		name   string
		admin  *bool
		err    error
	}{
		"as typed, in lower case": {nil, new(script), "ada", nil, nil},
		"renamed by a module":     {nil, &script{renames: "lovelace"}, "lovelace", nil, nil},
		"an admin":                {func(o *Options) { o.AdminGroups = []string{"root", "wheel"} }, new(script), "ada", yes, nil},
		"no admin":                {func(o *Options) { o.AdminGroups = []string{"root"} }, new(script), "ada", no, nil},
		"in an allowed group":     {func(o *Options) { o.AllowedGroups = []string{"users"} }, new(script), "ada", nil, nil},
		"in none":                 {func(o *Options) { o.AllowedGroups = []string{"staff"} }, new(script), "", nil, authenticator.ErrNotAllowed},
		"groups not known": {func(o *Options) {
			o.AdminGroups, o.Groups = []string{"x"}, func(string) ([]string, error) { return nil, errors.New("sssd is down") }
		}, new(script), "", nil, authenticator.ErrUnavailable},
		"account expired":             {nil, &script{account: authenticator.ErrDenied}, "", nil, authenticator.ErrDenied},
		"account expired, not looked": {func(o *Options) { o.SkipAccount = true }, &script{account: authenticator.ErrDenied}, "ada", nil, nil},
		"no such number":              {func(o *Options) { o.NormalizeUsername = true }, &script{renames: "no-such-user-here"}, "", nil, authenticator.ErrUnavailable},
		"by number":                   {func(o *Options) { o.NormalizeUsername = true }, &script{renames: "root"}, "root", nil, nil},
	} {
		identity, err := with(test.stack, test.change).Authenticate(t.Context(), attempt("ADA", password))
		if test.err != nil {
			if !errors.Is(err, test.err) {
				t.Errorf("%s: %v, want %v", about, err, test.err)
			}
			continue
		}
		if err != nil || identity.Name != test.name || cmp.Diff(test.admin, identity.Admin) != "" {
			t.Errorf("%s: %+v, %v", about, identity, err)
		}
	}
}

// PAM is not asked about what cannot be right.
func TestNotAsked(t *testing.T) {
	s := new(script)
	a := with(s, nil)
	for _, bad := range []authenticator.Attempt{
		attempt("", password), attempt("a/b", password), attempt("ada", ""), attempt("ada", "x\x00y"), attempt("ada", strings.Repeat("x", 512)), {},
	} {
		if _, err := a.Authenticate(t.Context(), bad); !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if s.called.Load() != 0 {
		t.Error("PAM was asked")
	}
}

// A module that hangs keeps its place, and nobody waits for longer than he should.
func TestThreadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{block: make(chan struct{})}
		a := with(s, nil) // two threads, one minute
		done := make(chan error)
		for range 5 {
			go func() {
				_, err := a.Authenticate(context.Background(), attempt("ada", password))
				done <- err
			}()
		}
		for range 5 {
			if err := <-done; !errors.Is(err, authenticator.ErrUnavailable) {
				t.Errorf("%v, want ErrUnavailable", err)
			}
		}
		if n := s.called.Load(); n != 2 {
			t.Errorf("%d ran at once, want 2", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		if _, err := a.Authenticate(ctx, attempt("ada", password)); !errors.Is(err, context.Canceled) {
			t.Errorf("hung up: %v", err)
		}
		close(s.block)
		synctest.Wait()
		if _, err := a.Authenticate(t.Context(), attempt("ada", password)); err != nil {
			t.Errorf("once the modules are done: %v", err)
		}
	})
}

func TestRefresh(t *testing.T) {
	s, groups := new(script), []string{"wheel"}
	a := with(s, func(o *Options) {
		o.AdminGroups, o.Groups = []string{"wheel"}, func(string) ([]string, error) { return groups, nil }
	})
	identity, err := a.Authenticate(t.Context(), attempt("ada", password))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(state json.RawMessage) authenticator.Refreshed {
		t.Helper()
		got, err := a.Refresh(t.Context(), "mapped", state, nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := ask(identity.AuthState); got.Outcome != authenticator.Fresh {
		t.Errorf("unchanged: %v", got.Outcome)
	}
	groups = nil
	if got := ask(identity.AuthState); got.Outcome != authenticator.Changed || *got.Identity.Admin {
		t.Errorf("no admin any more: %+v", got)
	}
	if got := ask(nil); got.Outcome != authenticator.LoginAgain {
		t.Errorf("no state: %v", got.Outcome)
	}
	s.account = authenticator.ErrDenied
	if got := ask(identity.AuthState); got.Outcome != authenticator.LoginAgain {
		t.Errorf("account locked: %v", got.Outcome)
	}
	s.account = authenticator.ErrUnavailable
	if _, err := a.Refresh(t.Context(), "ada", identity.AuthState, nil); !errors.Is(err, authenticator.ErrUnavailable) {
		t.Errorf("PAM in trouble: %v", err)
	}
}

func TestSessions(t *testing.T) {
	for _, open := range []bool{false, true} {
		s := &script{err: errors.New("no session")}
		a := with(s, func(o *Options) { o.OpenSessions = open })
		use := authenticator.ServerUse{User: "mapped", AuthState: json.RawMessage(`{"name":"ada"}`)}
		if _, err := a.PreSpawn(t.Context(), use); err != nil {
			t.Errorf("a session that does not open keeps the server from starting: %v", err)
		}
		if err := a.PostStop(t.Context(), authenticator.ServerUse{User: "bob"}); err != nil {
			t.Error(err)
		}
		want := []string{"ada true", "bob false"}
		if !open {
			want = nil
		}
		if !slices.Equal(s.heard, want) {
			t.Errorf("sessions %q, want %q", s.heard, want)
		}
	}
}

func TestPromptAndWarnings(t *testing.T) {
	a := with(new(script), func(o *Options) { o.OTP, o.Title, o.SkipAccount = true, "Staff", true })
	if diff := cmp.Diff(authenticator.Prompt{Username: true, Password: true, OTP: true, Text: "Staff"}, a.Prompt()); diff != "" {
		t.Error(diff)
	}
	if w := a.Warnings(authenticator.Rules{}); len(w) != 1 || !strings.Contains(w[0], "expired accounts are let in") {
		t.Errorf("warnings %q", w)
	}
	if a.OpenByDefault() || !with(new(script), func(o *Options) { o.AllowedGroups = []string{"x"} }).OpenByDefault() {
		t.Error("allowed groups are a rule, and without them there is none")
	}
	if _, err := New(Options{Service: "../login"}); err == nil || !strings.Contains(err.Error(), "no name of a file") {
		t.Errorf("service of another folder: %v", err)
	}
}

package oidc

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// clock moves when it is told to.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.at.Load())) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }
func (c *clock) use() func(*Options)     { return func(o *Options) { o.Now = c.now } }
func redirect(t *testing.T, a *Authenticator) error {
	t.Helper()
	_, _, err := a.Redirect(t.Context(), nil, callback)
	return err
}

// A provider that is down is asked again when somebody comes, but not by everybody
// who comes.
func TestDownAndBack(t *testing.T) {
	p, c := newIDP(t), new(clock)
	a := p.authenticator(t, c.use())
	p.change(func() { p.metadata["issuer"] = "https://other.example" })
	var crowd sync.WaitGroup
	for range 20 {
		crowd.Go(func() {
			if _, _, err := a.Redirect(t.Context(), nil, callback); !errors.Is(err, authenticator.ErrUnavailable) {
				t.Errorf("down: %v", err)
			}
		})
	}
	crowd.Wait()
	if n := p.count("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("a crowd asked %d times", n)
	}
	p.change(func() { delete(p.metadata, "issuer") })
	c.advance(pause)
	if err := redirect(t, a); err != nil {
		t.Fatalf("back: %v", err)
	}
	c.advance(fresh - time.Second)
	if err := redirect(t, a); err != nil || p.count("/.well-known/openid-configuration") != 2 {
		t.Errorf("asked %d times, %v", p.count("/.well-known/openid-configuration"), err)
	}
}

// Metadata is read again in time; while that fails, what was said last counts.
func TestMetadataGrowsOld(t *testing.T) {
	p, c := newIDP(t), new(clock)
	a := p.authenticator(t, c.use())
	if err := redirect(t, a); err != nil {
		t.Fatal(err)
	}
	p.change(func() { p.metadata["authorization_endpoint"] = p.URL + "/moved" })
	c.advance(fresh + time.Second)
	if location, _, err := a.Redirect(t.Context(), nil, callback); err != nil || !strings.HasPrefix(location, p.URL+"/moved?") {
		t.Errorf("%s, %v", location, err)
	}
	p.change(func() { p.metadata["issuer"] = "https://evil.example" })
	c.advance(fresh + time.Second)
	if location, _, err := a.Redirect(t.Context(), nil, callback); err != nil || !strings.HasPrefix(location, p.URL+"/moved?") {
		t.Errorf("while it fails: %s, %v", location, err)
	}
}

// Whoever gives up waiting is let go, and fails it for nobody.
func TestImpatience(t *testing.T) {
	p := newIDP(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	answers := p.Config.Handler
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-goOn
		answers.ServeHTTP(w, r)
	})
	a := p.authenticator(t)
	first := make(chan error)
	go func() { first <- redirect(t, a) }()
	<-asked
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Redirect(ctx, nil, callback); !errors.Is(err, context.Canceled) {
		t.Errorf("gave up: %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("waited: %v", err)
	}
}

// Secrets go over no worse line than the metadata came by.
func TestEndpoints(t *testing.T) {
	good := metadata{AuthorizeURL: "https://i/a", TokenURL: "https://i/t", KeysURL: "https://i/k"}
	if err := good.check("https://i"); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*metadata){
		"no https":      func(m *metadata) { m.TokenURL = "http://i/t" },
		"no keys":       func(m *metadata) { m.KeysURL = "" },
		"a script":      func(m *metadata) { m.AuthorizeURL = "javascript:alert(1)" },
		"logout script": func(m *metadata) { m.EndSessionURL = "javascript:alert(1)" },
		"relative":      func(m *metadata) { m.UserInfoURL = "/userinfo" },
		"garbage":       func(m *metadata) { m.KeysURL = "https://%zz" },
	} {
		bad := good
		change(&bad)
		if err := bad.check("https://i"); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	good.TokenURL = "http://i/t"
	if err := good.check("http://i"); err != nil {
		t.Errorf("all of it without https: %v", err)
	}
}

// The client secret is sent as the provider says, or as is configured.
func TestTokenAuth(t *testing.T) {
	a := newIDP(t).authenticator(t)
	for name, test := range map[string]struct {
		offered    []string
		configured codeflow.TokenAuth
		want       codeflow.TokenAuth
	}{
		"not said":         {nil, "", ""},
		"both":             {[]string{"client_secret_post", "client_secret_basic"}, "", ""},
		"post only":        {[]string{"client_secret_post"}, "", codeflow.Post},
		"configured basic": {[]string{"client_secret_post"}, codeflow.Basic, codeflow.Basic},
		"configured post":  {nil, codeflow.Post, codeflow.Post},
	} {
		a.options.TokenAuth = test.configured
		if got := a.client(&metadata{TokenAuth: test.offered}).TokenAuth; got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// The operator hears at the start that nobody can log in, and what will not work.
func TestWatch(t *testing.T) {
	p := newIDP(t)
	var said bytes.Buffer
	logged := func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&said, nil)) }
	p.metadata["end_session_endpoint"], p.metadata["userinfo_endpoint"] = nil, nil
	p.authenticator(t, logged, func(o *Options) { o.ProviderLogout, o.UserInfo = true, true }).Watch(t.Context())
	for _, want := range []string{"provider_logout has no effect", "userinfo has no effect"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("not said: %q", want)
		}
	}
	p.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := p.authenticator(t, func(o *Options) {
		o.Log = slog.New(handler{slog.NewTextHandler(&said, nil), cancel})
	})
	a.Watch(ctx)
	if !strings.Contains(said.String(), "nobody can log in by it until it is back") {
		t.Errorf("said %s", said.String())
	}
}

// handler ends what waits once something was logged.
type handler struct {
	slog.Handler
	then func()
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	h.then()
	return h.Handler.Handle(ctx, r)
}

// What a stranger answers at the issuer's address is not logged by the page.
func TestDiscoveryTellsLittle(t *testing.T) {
	p := newIDP(t)
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write(bytes.Repeat([]byte("<p>\n"), 10000))
	})
	if err := redirect(t, p.authenticator(t)); !errors.Is(err, authenticator.ErrUnavailable) || len(err.Error()) > 600 || strings.Contains(err.Error(), "\n") {
		t.Errorf("%d bytes: %.700v", len(err.Error()), err)
	}
}

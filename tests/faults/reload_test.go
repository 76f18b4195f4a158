package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

// TestReload changes the configuration under load: no request fails, no
// WebSocket closes, and a server that is starting goes on.
func TestReload(t *testing.T) {
	onBothStores(t, func(t *testing.T, options hubtest.Options) {
		h := hubtest.Start(t, options)
		ada, carol := enter(h, "ada"), enter(h, "carol")
		ada.api.StartServer("ada", "")
		before := ada.visit(t).Process
		socket := ada.socket(t)
		release := upstream.Hold(t, h, "carol")
		upstream.StartHeld(t, h, carol.token, "carol")

		load := startLoad(t, h, ada)
		original := h.Caddyfile()
		for i := range 5 {
			changed := strings.Replace(original, "\t\tallow all\n", fmt.Sprintf("\t\tallow all\n\t\tlimits {\n\t\t\tactive_servers %d\n\t\t}\n", 10+i), 1)
			if changed == original {
				t.Fatal("the Caddyfile has no place for a change")
			}
			if err := h.Reload(changed); err != nil {
				t.Fatal(err)
			}
			wantEcho(t, socket)
			load.wantMore(t)
		}
		if err := h.Reload(strings.Replace(original, "allow all", "allow_everybody", 1)); err == nil {
			t.Error("a mistake was accepted")
		}
		load.wantMore(t)
		load.stop(t)

		wantEcho(t, socket)
		if after := ada.visit(t).Process; after != before {
			t.Errorf("ada's server was process %d and is %d", before, after)
		}
		ada.socket(t)
		release()
		carol.api.WaitServer("carol", "", true)
		carol.visit(t)

		// What a reload leaves open ends with the session all the same.
		if got := ada.session.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"); got.Status >= 400 {
			t.Fatalf("logout: %s", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := socket.Read(ctx)
		if code := websocket.CloseStatus(err); code != websocket.StatusPolicyViolation {
			t.Errorf("the WebSocket of an old configuration: code %d, %v", code, err)
		}
	})
}

// load is requests of all kinds, one after the other, from several clients.
type load struct {
	cancel  context.CancelFunc
	clients sync.WaitGroup
	done    atomic.Int64
	mu      sync.Mutex
	failed  []string
}

// clients is how many ask at once.
const clients = 4

func startLoad(t *testing.T, h *hubtest.Hub, u user) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel}
	t.Cleanup(cancel)
	requests := []struct{ path, token string }{
		{"/user/" + u.name + "/x", u.token},
		{"/user/" + u.name + "/x?slow=30ms", ""},
		{"/hub/api/user", u.token},
		{"/hub/home", ""},
		{"/hub/health", ""},
	}
	for range clients {
		client := h.Anonymous().HTTP
		client.Jar = u.session.HTTP.Jar
		l.clients.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				one := requests[i%len(requests)]
				l.note(one.path, ask(client, h.URL+one.path, one.token))
			}
		})
	}
	return l
}

// ask is not cut off by the end of the load: what is asked is answered.
//
// On Linux Caddy gives each configuration a listener of its own, and the kernel
// resets the connections that it had queued for the one before. Nobody has read
// anything from such a new connection; another one is made, as browsers do.
func ask(client *http.Client, url, token string) error {
	for {
		fresh, err := askOnce(client, url, token)
		reset := errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
		if !fresh || !reset {
			return err
		}
	}
}

// askOnce tells whether it asked on a new connection.
func askOnce(client *http.Client, url, token string) (fresh bool, err error) {
	fresh = true // also if it could not be made
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { fresh = !info.Reused },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	if token != "" {
		request.Header.Set("Authorization", "token "+token)
	}
	response, err := client.Do(request)
	if err != nil {
		return fresh, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fresh, fmt.Errorf("status %s", response.Status)
	}
	return fresh, nil
}

func (l *load) note(path string, err error) {
	l.done.Add(1)
	if err == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, path+": "+err.Error())
}

// wantMore waits until every client has been answered again.
func (l *load) wantMore(t *testing.T) {
	t.Helper()
	before := l.done.Load()
	hubtest.Eventually(t, "more requests", func() bool { return l.done.Load() >= before+4*clients })
}

func (l *load) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	l.clients.Wait()
	if len(l.failed) > 0 {
		t.Errorf("%d of %d requests failed: %s", len(l.failed), l.done.Load(), strings.Join(l.failed[:min(len(l.failed), 5)], "; "))
	}
}

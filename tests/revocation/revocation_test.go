package revocation_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// kind is one way to lose what allows a socket. begin lets a visitor in and returns
// how to take it away again; take says from when on it was taken.
type kind struct {
	name  string
	begin func(w *world) (enter entrance, take func() time.Time)
}

// now does something and says when it was begun.
func now(do func()) time.Time {
	begun := time.Now()
	do()
	return begun
}

// kinds are those that somebody sets off.
var kinds = []kind{
	{"logout", func(w *world) (entrance, func() time.Time) {
		enter, browser := w.logIn(w.member())
		return enter, func() time.Time { return now(func() { leave(w.t, browser) }) }
	}},
	{"token revoked", func(w *world) (entrance, func() time.Time) {
		name := w.member()
		secret, id := w.token(name, 0)
		return w.byToken(secret), func() time.Time { return now(func() { w.ask("DELETE", "/users/"+name+"/tokens/"+id, nil) }) }
	}},
	{"token of a link revoked", func(w *world) (entrance, func() time.Time) {
		name := w.member()
		secret, id := w.token(name, 0)
		return w.byLink(secret), func() time.Time { return now(func() { w.ask("DELETE", "/users/"+name+"/tokens/"+id, nil) }) }
	}},
	{"user deleted", func(w *world) (entrance, func() time.Time) {
		name := w.member()
		enter, _ := w.logIn(name)
		return enter, func() time.Time { return now(func() { w.ask("DELETE", "/users/"+name, nil) }) }
	}},
	{"group left", func(w *world) (entrance, func() time.Time) {
		name := w.member()
		enter, _ := w.logIn(name)
		body := map[string]any{"users": []string{name}}
		return enter, func() time.Time { return now(func() { w.ask("DELETE", "/groups/visitors/users", body) }) }
	}},
	{"no administrator any more", func(w *world) (entrance, func() time.Time) {
		name := w.user()
		w.ask("PATCH", "/users/"+name, map[string]any{"admin": true})
		enter, _ := w.logIn(name)
		return enter, func() time.Time {
			return now(func() { w.ask("PATCH", "/users/"+name, map[string]any{"admin": false}) })
		}
	}},
}

func leave(t *testing.T, browser *hubtest.Client) {
	t.Helper()
	answer := browser.Do(http.MethodGet, "/hub/logout", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
	if answer.Status >= 400 {
		t.Fatalf("logout: %s", answer)
	}
}

// TestRevocation takes away one thing after the other.
func TestRevocation(t *testing.T) {
	n := number(t, "CADDYHUB_TEST_REVOCATIONS", 20)
	both(t, "", func(w *world) {
		report := table{w: w}
		enter, _ := w.logIn(w.member())
		bystanders := w.everywhere(enter)
		for _, kind := range kinds {
			for range n {
				enter, take := kind.begin(w)
				sockets := w.everywhere(enter)
				since := take()
				for i, socket := range sockets {
					report.add(kind.name, socket.took(w.t, since, fmt.Sprintf("%s, node %d", kind.name, i)))
				}
			}
		}
		byConfiguration(w, &report, n)
		for _, socket := range bystanders {
			socket.alive(w.t, "a socket of somebody else")
		}
		report.print()
	})
}

// byConfiguration takes away what stands in the configuration, from many at once:
// measured from when the command that reloads it has returned, at the node that was
// reloaded last.
func byConfiguration(w *world, report *table, n int) {
	w.t.Helper()
	var helpers, blocked []string
	for range n {
		helpers = append(helpers, w.user())
		blocked = append(blocked, w.member())
	}
	w.reload("role helper {", "users "+strings.Join(helpers, " "))
	open := func(names []string) (sockets []*socket) {
		for _, name := range names {
			enter, _ := w.logIn(name)
			sockets = append(sockets, w.everywhere(enter)...)
		}
		return sockets
	}
	for _, change := range []struct {
		name    string
		sockets []*socket
		change  func()
	}{
		{"role lost", open(helpers), func() { w.reload("role helper {", "") }},
		{"user blocked", open(blocked), func() { w.reload("allow all", "blocked "+strings.Join(blocked, " ")) }},
	} {
		change.change()
		since := time.Now()
		for _, socket := range change.sockets {
			report.add(change.name, socket.took(w.t, since, change.name))
		}
	}
}

// TestExpiry lets the clock take things away, from many at once, measured from the
// earliest moment at which the time can be over.
func TestExpiry(t *testing.T) {
	n := number(t, "CADDYHUB_TEST_REVOCATIONS", 20)
	const idle, lifetime, token = 4 * time.Second, 8 * time.Second, 5 * time.Second
	lines := fmt.Sprintf("\t\tsession {\n\t\t\tidle_timeout %v\n\t\t\tmax_lifetime %v\n\t\t}\n", idle, lifetime)
	both(t, lines, func(w *world) {
		report := table{w: w}
		kinds := []struct {
			name  string
			begin func(name string) (enter entrance, due time.Time, busy *hubtest.Client)
		}{
			{"session idle", func(name string) (entrance, time.Time, *hubtest.Client) {
				begun := time.Now()
				enter, _ := w.logIn(name)
				return enter, begun.Add(idle), nil
			}},
			{"session at its greatest age", func(name string) (entrance, time.Time, *hubtest.Client) {
				begun := time.Now()
				enter, browser := w.logIn(name)
				return enter, begun.Add(lifetime), browser
			}},
			{"token expired", func(name string) (entrance, time.Time, *hubtest.Client) {
				begun := time.Now()
				secret, _ := w.token(name, int(token.Seconds()))
				return w.byToken(secret), begun.Add(token), nil
			}},
			{"token of a link expired", func(name string) (entrance, time.Time, *hubtest.Client) {
				begun := time.Now()
				secret, _ := w.token(name, int(token.Seconds()))
				return w.byLink(secret), begun.Add(token), nil
			}},
		}
		var names []string
		for range n * len(kinds) {
			names = append(names, w.member())
		}
		var waiting sync.WaitGroup
		for i, name := range names {
			kind := kinds[i/n]
			enter, due, busy := kind.begin(name)
			sockets := w.everywhere(enter)
			if busy != nil {
				w.keepBusy(busy, due)
			}
			for i, socket := range sockets {
				waiting.Go(func() { report.add(kind.name, socket.took(w.t, due, fmt.Sprintf("%s, node %d", kind.name, i))) })
			}
		}
		waiting.Wait()
		report.print()
	})
}

// keepBusy makes requests with a session until shortly before a moment, so that it
// does not end for want of them.
func (w *world) keepBusy(browser *hubtest.Client, until time.Time) {
	client, address := browser.HTTP, w.URL+"/user/ada/x"
	done := make(chan struct{})
	w.t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		for time.Now().Before(until) {
			if response, err := client.Get(address); err == nil {
				_ = response.Body.Close()
			}
			time.Sleep(time.Second)
		}
	}()
}

// table is what was measured.
type table struct {
	w     *world
	mu    sync.Mutex
	names []string
	times map[string][]time.Duration
}

func (r *table) add(name string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.times == nil {
		r.times = make(map[string][]time.Duration)
	}
	if len(r.times[name]) == 0 {
		r.names = append(r.names, name)
	}
	r.times[name] = append(r.times[name], took)
}

func (r *table) print() {
	var text strings.Builder
	fmt.Fprintf(&text, "closed after, on %d node(s)\n%-30s %6s %10s %10s\n", len(r.w.nodes), "", "count", "median", "worst")
	for _, name := range r.names {
		times := slices.Sorted(slices.Values(r.times[name]))
		fmt.Fprintf(&text, "%-30s %6d %10v %10v\n", name, len(times),
			times[len(times)/2].Round(100*time.Microsecond), times[len(times)-1].Round(100*time.Microsecond))
	}
	r.w.t.Log(text.String())
}

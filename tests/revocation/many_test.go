package revocation_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// openers is how many sockets are opened at once.
const openers = 8

// crowd opens many sockets with the tokens of a few users.
func (w *world) crowd(count int) []*socket {
	w.t.Helper()
	const users = 50
	var entrances []entrance
	for range users {
		secret, _ := w.token(w.member(), 0)
		entrances = append(entrances, w.byToken(secret))
	}
	sockets := make([]*socket, count)
	var opening sync.WaitGroup
	for first := range openers {
		opening.Go(func() {
			for i := first; i < count; i += openers {
				var err error
				if sockets[i], err = dial(w.t, entrances[i%users](w.nodes[i%len(w.nodes)])); err != nil {
					w.t.Errorf("socket %d of %d: %v", i, count, err)
					return
				}
			}
		})
	}
	opening.Wait()
	if w.t.Failed() {
		w.t.FailNow()
	}
	return sockets
}

// wantAlive fails unless all of the crowd are open.
func (w *world) wantAlive(sockets []*socket, when string) {
	w.t.Helper()
	var asking sync.WaitGroup
	for first := range openers {
		asking.Go(func() {
			for i := first; i < len(sockets); i += openers {
				sockets[i].alive(w.t, fmt.Sprintf("socket %d of %d, %s", i, len(sockets), when))
			}
		})
	}
	asking.Wait()
}

// TestReload closes none of 500 sockets, and those that it has left behind end
// with what allowed them all the same, and with sessions that it makes shorter.
func TestReload(t *testing.T) {
	w := newWorld(t, "", hubtest.Options{})
	sockets := w.crowd(500)
	for i := range 3 {
		w.reload("allow all", fmt.Sprintf("limits {\nactive_servers %d\n}", 100+i))
		w.wantAlive(sockets, fmt.Sprintf("after reload %d", i+1))
	}
	secret, id := w.token("ada", 0)
	mine := w.open(w.byToken(secret)(w.Hub))
	w.reload("allow all", "")
	since := now(func() { w.ask("DELETE", "/users/ada/tokens/"+id, nil) })
	mine.took(t, since, "token revoked after a reload")
	enter, _ := w.logIn(w.member())
	old := w.open(enter(w.Hub))
	w.reload("allow all", "session {\nmax_lifetime 1s\n}")
	old.took(t, time.Now(), "sessions made shorter")
	w.wantAlive(sockets, "after somebody else's token was revoked")
}

// ofOneNode is how many sockets one node may have open where a process may have
// 20 000 files, two for each; more are spread over two nodes.
const ofOneNode = 9000

// TestManyOpen revokes one among very many: it alone is closed, and the others cost
// nothing. It prints what a revocation takes with and without them.
func TestManyOpen(t *testing.T) {
	count := number(t, "CADDYHUB_TEST_SOCKETS", 2000)
	var options hubtest.Options
	if count > ofOneNode {
		options.Redis = redistest.Start(t, redistest.Options{})
	}
	w := newWorld(t, "", options)
	const each = 40
	alone := w.revokeSome(each)
	begun := time.Now()
	sockets := w.crowd(count)
	t.Logf("%d sockets opened in %v", count, time.Since(begun).Round(time.Millisecond))
	among := w.revokeSome(each)
	t.Logf("CPU of the hub for each of %d revocations, with opening, API call and closing: alone %v, among %d open %v",
		each, alone, count, among)
	w.wantAlive(sockets, "after others were revoked")
	before := measure.CPU(w.PID())
	w.ask("PATCH", "/users/ada", map[string]any{"admin": true})
	w.revokeSome(1) // comes up after all of them
	t.Logf("CPU of the hub for a change of the user whose server all of them lead to, and a revocation after it: %v", measure.CPU(w.PID())-before)
	w.wantAlive(sockets, "after all were brought up")
}

// revokeSome opens and revokes one after the other, and says how much CPU the hub
// took for each.
func (w *world) revokeSome(count int) time.Duration {
	w.t.Helper()
	name := w.member()
	report := table{w: w}
	before := measure.CPU(w.PID())
	for range count {
		secret, id := w.token(name, 0)
		socket := w.open(w.byToken(secret)(w.Hub))
		since := now(func() { w.ask("DELETE", "/users/"+name+"/tokens/"+id, nil) })
		report.add("token revoked", socket.took(w.t, since, "token revoked"))
	}
	used := measure.CPU(w.PID()) - before
	report.print()
	return used / time.Duration(count)
}

package edge

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// played is a socket whose decisions a test makes.
type played struct {
	name    string
	opener  *identity.Identity
	owner   string
	reviews atomic.Int64
	refused atomic.Bool
	unknown atomic.Bool
	closed  atomic.Int64
	// prolonged, if set, is where the session ends from the next review on.
	prolonged atomic.Pointer[time.Time]
}

func (p *played) whose() string { return p.name }

func (p *played) close(code int) { p.closed.Store(int64(code)) }

func (p *played) review(context.Context) (gate.Decision, grounds) {
	p.reviews.Add(1)
	if p.unknown.Load() {
		return gate.Decision{Verdict: gate.Refuse, Status: 503}, grounds{}
	}
	opener := p.opener
	if until := p.prolonged.Load(); until != nil {
		opener = &identity.Identity{Session: &identity.Session{ID: opener.Session.ID, Expires: *until}}
	}
	decision := gate.Decision{Verdict: gate.Allow}
	if p.refused.Load() || opener != nil && opener.Session != nil && !opener.Session.Expires.IsZero() && !time.Now().Before(opener.Session.Expires) {
		decision = gate.Decision{Verdict: gate.Refuse, Status: 401}
	}
	return decision, groundsOf(opener, p.owner, time.Now())
}

func (p *played) enter(s *Sockets) *played {
	s.decide(context.Background(), s.add(p, groundsOf(p.opener, p.owner, time.Now())))
	p.reviews.Store(0)
	return p
}

func sessionOf(user, session string) *identity.Identity {
	return &identity.Identity{
		User: &identity.User{Name: user, Groups: []string{"class", "staff"}}, Session: &identity.Session{ID: session, User: user},
	}
}

// A change brings up the sockets that it may concern, and no others.
func TestConcerned(t *testing.T) {
	s := NewSockets(nil)
	sockets := map[string]*played{
		"ada":         {opener: sessionOf("ada", "s1"), owner: "ada"},
		"ada again":   {opener: sessionOf("ada", "s2"), owner: "ada"},
		"bob at ada":  {opener: &identity.Identity{User: &identity.User{Name: "bob"}, Session: &identity.Session{ID: "s3"}}, owner: "ada"},
		"token":       {opener: &identity.Identity{User: &identity.User{Name: "eve"}, Token: &identity.Token{ID: "a17"}}, owner: "eve"},
		"other token": {opener: &identity.Identity{User: &identity.User{Name: "eve"}, Token: &identity.Token{ID: "a18"}}, owner: "eve"},
		"service":     {opener: &identity.Identity{Service: &identity.Service{Name: "monitor"}, Token: &identity.Token{ID: "a19"}}, owner: "carl"},
		"grant": {opener: &identity.Identity{
			User: &identity.User{Name: "dan"}, Token: &identity.Token{ID: "a20"},
			Grant: &identity.Grant{TokenID: "a20", Beside: "s9", Expires: time.Now().Add(time.Hour).Unix()},
		}, owner: "dan"},
		"grant of a session": {opener: &identity.Identity{
			User: &identity.User{Name: "dan"}, Grant: &identity.Grant{SessionID: "s8", Expires: time.Now().Add(time.Hour).Unix()},
		}, owner: "dan"},
		"nobody": {},
	}
	everybody := make([]string, 0, len(sockets))
	for name, socket := range sockets {
		socket.name = name
		socket.enter(s)
		everybody = append(everybody, name)
	}
	slices.Sort(everybody)
	key := func(kind string, parts ...string) store.Change {
		return store.Change{Key: store.Key{Kind: kind, ID: store.Join(parts...)}, Deleted: true}
	}
	number := func(n int) string { return fmt.Sprintf("%016x", n) }
	for name, test := range map[string]struct {
		change store.Change
		want   []string
	}{
		"logout":               {key(identity.KindSessionOfUser, "ada", "s1"), []string{"ada"}},
		"unknown session":      {key(identity.KindSessionOfUser, "ada", "s7"), nil},
		"user":                 {key(identity.KindUser, "ada"), []string{"ada", "ada again", "bob at ada"}},
		"visitor":              {key(identity.KindUser, "bob"), []string{"bob at ada"}},
		"user like another":    {key(identity.KindUser, "ad"), nil},
		"group":                {key(identity.KindGroup, "class"), []string{"ada", "ada again"}},
		"token":                {key(identity.KindTokenOfOwner, "user", "eve", number(17)), []string{"token"}},
		"token of a service":   {key(identity.KindTokenOfOwner, "service", "monitor", number(19)), []string{"service"}},
		"token of a grant":     {key(identity.KindTokenOfOwner, "user", "dan", number(20)), []string{"grant"}},
		"login beside a grant": {key(identity.KindSessionOfUser, "bob", "s9"), []string{"grant"}},
		"session of a grant":   {key(identity.KindSessionOfUser, "dan", "s8"), []string{"grant of a session"}},
		"service":              {key(identity.KindService, "monitor"), []string{"service"}},
		"role":                 {key(identity.KindRole, "teacher"), everybody},
		"no number":            {key(identity.KindTokenOfOwner, "user", "eve", "xyz"), everybody},
		"no id":                {store.Change{Key: store.Key{Kind: identity.KindUser, ID: "%zz"}}, everybody},
		"activity":             {key(identity.KindActivity, "user", "ada"), nil},
		"the session itself":   {key("session", "s1"), nil},
	} {
		var got []string
		for _, found := range s.concerned([]store.Change{test.change, test.change}) {
			got = append(got, found.whose())
		}
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	for _, socket := range sockets {
		s.remove(socket)
		s.remove(socket)
	}
	if len(s.by)+len(s.open)+len(s.due) != 0 {
		t.Errorf("left over: %v, %v, %v", s.by, s.open, s.due)
	}
}

// A credential that ends by the clock takes its sockets along at once, one that was
// prolonged does not, and nothing is decided about in between.
func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSockets(nil)
		s.ReviewEvery(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.watchTheClock(ctx); close(ended) }()
		until := func(id string, after time.Duration) *played {
			opener := &identity.Identity{Session: &identity.Session{ID: id, Expires: time.Now().Add(after)}}
			return (&played{name: id, opener: opener}).enter(s)
		}
		forever := (&played{opener: &identity.Identity{Session: &identity.Session{ID: "s"}}}).enter(s)
		late, early, longer, gone := until("late", 20*time.Second), until("early", 10*time.Second), until("longer", 15*time.Second), until("gone", 5*time.Second)
		s.remove(gone)
		later := time.Now().Add(30 * time.Second)
		longer.prolonged.Store(&later)
		time.Sleep(10*time.Second - time.Millisecond)
		if early.closed.Load() != 0 || early.reviews.Load() != 0 {
			t.Errorf("before its end: code %d after %d reviews", early.closed.Load(), early.reviews.Load())
		}
		time.Sleep(time.Millisecond + reviewPause)
		synctest.Wait()
		if early.closed.Load() != 1008 {
			t.Errorf("at its end: code %d", early.closed.Load())
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if late.closed.Load() != 1008 || longer.closed.Load() != 0 || longer.reviews.Load() != 1 {
			t.Errorf("later: %d, prolonged: %d after %d reviews", late.closed.Load(), longer.closed.Load(), longer.reviews.Load())
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if longer.closed.Load() != 1008 {
			t.Errorf("at its new end: code %d", longer.closed.Load())
		}
		if gone.reviews.Load() != 0 || forever.reviews.Load() != 0 {
			t.Errorf("%d reviews of one that has ended, %d of one that never does", gone.reviews.Load(), forever.reviews.Load())
		}
		time.Sleep(reviewInterval)
		s.Review()
		synctest.Wait()
		if forever.reviews.Load() != 2 || late.reviews.Load() != 1 {
			t.Errorf("all at once: %d reviews, and %d of one that was closed", forever.reviews.Load(), late.reviews.Load())
		}
		cancel()
		<-ended
	})
}

// What could not be decided is decided again soon, and what was refused is told once.
func TestReviewAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSockets(nil)
		told := 0
		s.Closed(func(int) { told++ })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.watchTheClock(ctx); close(ended) }()
		socket := (&played{opener: sessionOf("ada", "s1")}).enter(s)
		socket.unknown.Store(true)
		s.review(ctx, s.everybody())
		time.Sleep(3*reviewAgain + reviewAgain/2)
		if socket.reviews.Load() != 4 || socket.closed.Load() != 0 {
			t.Errorf("%d reviews, code %d", socket.reviews.Load(), socket.closed.Load())
		}
		if len(s.concerned([]store.Change{{Key: store.Key{Kind: identity.KindUser, ID: "ada"}}})) != 1 {
			t.Error("no change brings it up any more")
		}
		socket.unknown.Store(false)
		socket.refused.Store(true)
		time.Sleep(reviewAgain)
		s.review(ctx, s.everybody())
		synctest.Wait()
		if socket.closed.Load() != 1008 || told != 1 {
			t.Errorf("code %d, told %d times", socket.closed.Load(), told)
		}
		cancel()
		<-ended
	})
}

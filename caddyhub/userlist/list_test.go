package userlist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/cached"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
)

// servers are the records of package server, written as it writes them.
var servers = store.Collection[server.Server]{Kind: server.KindServer}

// specs compares what cmp cannot look into.
var specs = cmp.Comparer(func(a, b route.Spec) bool { return a == b })

// nodeOfHub is a node of a hub as far as lists know it.
type nodeOfHub struct {
	*identity.Directory
	store *cached.Store
	list  *List
}

func newNode(t *testing.T, under store.Store) *nodeOfHub {
	t.Helper()
	n := &nodeOfHub{store: cached.New(under, cached.Options{Grace: -1})}
	keys, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	n.Directory = identity.New(identity.Options{Store: n.store, Keys: keys})
	n.list = New(Options{Store: n.store, Activity: n.Activity()})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = n.list.Run(ctx) }) // ends with the context
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_ = n.store.Close() // may be closed by the other node
	})
	n.await(t)
	return n
}

// await waits until the list has been loaded.
func (n *nodeOfHub) await(t *testing.T) {
	t.Helper()
	for !n.list.Read(t.Context(), func(Reading) {}) {
		if t.Context().Err() != nil {
			t.Fatal("the list is never loaded")
		}
	}
}

func openEmbedded(t *testing.T) store.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// shown is what somebody sees of a user.
type shown struct {
	User    identity.User
	Servers []server.Server
	Active  time.Time
	Times   []time.Time
}

// stored computes a page from the store.
func (n *nodeOfHub) stored(t *testing.T, query Query) (page []shown, total int) {
	t.Helper()
	err := n.store.View(t.Context(), func(r store.Reader) error {
		page = nil
		query.Keep = func(name string) bool { return query.State == Any || has(r, name, query.State) }
		users, all, err := n.ListUsers(r, query.UserQuery)
		total = all
		for _, user := range users {
			one := shown{User: user}
			one.User.SealedAuthState = nil
			standard, errStandard := server.Get(r, user.Name, "")
			listed, errList := server.List(r, user.Name)
			one.Servers = append(one.Servers, standard)
			for _, s := range listed {
				if s.Name != "" {
					one.Servers = append(one.Servers, s)
				}
			}
			var errLast error
			one.Active, errLast = n.Activity().Last(r, identity.ActivityOfUser(user.Name))
			for _, s := range one.Servers {
				last, err := n.Activity().Last(r, identity.ActivityOfServer(s.User, s.Name))
				errLast = errors.Join(errLast, err)
				one.Times = append(one.Times, last)
			}
			if err := errors.Join(errStandard, errList, errLast); err != nil {
				return err
			}
			page = append(page, one)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return page, total
}

func has(r store.Reader, name string, state State) bool {
	listed, _ := server.List(r, name) // the user exists
	active, ready := false, false
	for _, s := range listed {
		active, ready = active || s.Active(), ready || s.Ready
	}
	return state == Active && active || state == Ready && ready || state == Inactive && !active
}

// remembered reads a page from memory.
func (n *nodeOfHub) remembered(t *testing.T, query Query) (page []shown, total int) {
	t.Helper()
	read := n.list.Read(t.Context(), func(list Reading) {
		var entries []*Entry
		entries, total = list.Select(query)
		for _, e := range entries {
			one := shown{User: e.User, Servers: e.Servers, Active: list.LastActivity(e)}
			for i := range e.Servers {
				one.Times = append(one.Times, list.LastServerActivity(e, i))
			}
			if list.User(e.User.Name) != e {
				t.Errorf("%s by name is another one", e.User.Name)
			}
			page = append(page, one)
		}
	})
	if !read {
		t.Fatal("memory does not answer")
	}
	return page, total
}

// TestEqualToTheStore changes users, servers, groups and activity at random and
// asks for pages: memory must show what the store holds, at once.
func TestEqualToTheStore(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Store{
		"embedded": openEmbedded,
		"redis": func(t *testing.T) store.Store {
			s, err := redis.Open(redis.Options{URL: redistest.Start(t, redistest.Options{}).URL()})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, open(t))
			const seed = 11
			random := rand.New(rand.NewPCG(seed, 0))
			for step := range 300 {
				did := n.change(t, random)
				query := someQuery(random)
				want, wantTotal := n.stored(t, query)
				got, total := n.remembered(t, query)
				if diff := cmp.Diff(want, got, specs); diff != "" || total != wantTotal {
					t.Fatalf("seed %d, step %d after %s: %+v has %d in place of %d (-store +memory):\n%s",
						seed, step, did, query, total, wantTotal, diff)
				}
			}
		})
	}
}

func someQuery(random *rand.Rand) Query {
	query := Query{State: State(random.IntN(int(states)))}
	query.Everybody = random.IntN(3) > 0
	query.Names, query.Groups = []string{someName(random), "nobody"}, []string{pick(random, "astro", "late", "none")}
	query.NameContains = pick(random, "", "", "A", "user1", "zz")
	query.Order = identity.UserOrder(random.IntN(3))
	query.Descending = random.IntN(2) == 0
	query.Offset, query.Limit = random.IntN(6)-1, random.IntN(8)-1
	if random.IntN(3) == 0 {
		query.Offset, query.Limit = 0, 1000
	}
	return query
}

func pick(random *rand.Rand, list ...string) string { return list[random.IntN(len(list))] }

func someName(random *rand.Rand) string {
	return pick(random, "ada", "a/b", "Zoë", "%", "user"+strconv.Itoa(random.IntN(12)))
}

// change changes one thing and says what; that the user does not exist is fine.
func (n *nodeOfHub) change(t *testing.T, random *rand.Rand) string {
	t.Helper()
	name, other := someName(random), someName(random)
	serverName := pick(random, "", "lab", "x/y", "ä")
	var err error
	what := random.IntN(9)
	switch what {
	case 0, 1, 2:
		_, err = n.CreateUser(t.Context(), name, random.IntN(4) == 0)
	case 3:
		err = n.DeleteUser(t.Context(), name)
	case 4:
		_, err = n.ChangeUser(t.Context(), name, identity.UserChange{Name: &other})
	case 5:
		_, err = n.SetGroups(t.Context(), name, []string{pick(random, "astro", "late")})
	case 6, 7:
		err = n.store.Update(t.Context(), func(w store.Writer) error {
			user, err := identity.GetUser(w, name)
			if err != nil {
				return err
			}
			id := store.Join(name, serverName)
			if random.IntN(4) == 0 {
				return servers.Delete(w, id)
			}
			s := server.Server{User: name, Name: serverName, UserNumber: user.Number, Ready: random.IntN(2) == 0}
			if random.IntN(4) == 0 {
				s.UserNumber++ // left by somebody else of this name
			}
			if !s.Ready && random.IntN(2) == 0 {
				s.Pending = server.PendingSpawn
			}
			return servers.Put(w, id, s, time.Time{})
		})
	case 8:
		at := time.Date(2026, 1, 1, 0, 0, random.IntN(1000), 0, time.UTC)
		n.Activity().Touch(identity.ActivityOfUser(name), at)
		n.Activity().Touch(identity.ActivityOfServer(name, serverName), at.Add(time.Second))
		if random.IntN(2) == 0 {
			err = n.Activity().Flush(t.Context())
		}
	}
	if err != nil && !errors.Is(err, identity.ErrNotFound) && !errors.Is(err, identity.ErrExists) {
		t.Fatal(err)
	}
	return fmt.Sprintf("change %d of %q, server %q: %v", what, name, serverName, err)
}

// TestOtherNodes changes users on one node and reads them on another, where they
// must show as soon as the feed has told.
func TestOtherNodes(t *testing.T) {
	redis1 := redistest.Start(t, redistest.Options{})
	var nodes []*nodeOfHub
	for range 2 {
		s, err := redis.Open(redis.Options{URL: redis1.URL()})
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, newNode(t, s))
	}
	everybody := Query{UserQuery: identity.UserQuery{Everybody: true, Limit: 100}}
	for i := range 10 {
		if _, err := nodes[0].CreateUser(t.Context(), fmt.Sprint("user", i), false); err != nil {
			t.Fatal(err)
		}
		for {
			_, total := nodes[1].remembered(t, everybody)
			if total == i+1 {
				break
			}
			if t.Context().Err() != nil {
				t.Fatalf("the other node never sees user %d", i)
			}
		}
	}
}

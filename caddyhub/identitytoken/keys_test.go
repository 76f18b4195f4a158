package identitytoken

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// kid is the key that a token names.
func kid(t *testing.T, token string) string {
	t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header["kid"].(string)
}

// look has a node do what it does every minute.
func (s *site) look(t *testing.T, nodes ...*Keys) {
	t.Helper()
	for _, node := range nodes {
		if err := node.maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRotation follows two nodes for a month. Every few hours a verifier that has
// asked one node for the JWKS long ago believes what the other signs, and what was
// signed is believed until it ends.
func TestRotation(t *testing.T) {
	for name, open := range map[string]func(testing.TB) *site{"embedded": newSite, "redis": newRedisSite} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			here, there := s.node(t, ES256), s.node(t, ES256)
			by := []*Issuer{s.issuer(t, here, ES256), s.issuer(t, there, ES256)}
			const step = 3 * time.Hour
			var kept []map[string]crypto.PublicKey // for almost a day, oldest first
			signed := map[string]bool{}
			for range 30 * 24 * time.Hour / step {
				s.look(t, here, there)
				now := published(t, here)
				kept = append(kept, now)
				if len(kept) > 7 {
					kept = kept[1:]
				}
				first, second := token(t, by[0], ada), token(t, by[1], ada)
				if kid(t, first) != kid(t, second) {
					t.Fatal("two nodes sign by different keys")
				}
				for _, made := range []string{first, second} {
					if _, err := s.verify(made, kept[0]); err != nil {
						t.Fatalf("by what was published %v ago: %v", time.Duration(len(kept)-1)*step, err)
					}
				}
				signed[kid(t, first)] = true
				if len(now) > 2 {
					t.Fatalf("%d keys are published", len(now))
				}
				s.clock.Advance(MaxLifetime - behind - time.Second)
				s.look(t, there)
				if _, err := s.verify(first, published(t, there)); err != nil {
					t.Fatalf("before it ends: %v", err)
				}
				s.clock.Advance(step)
			}
			// Four whole weeks, and the beginning of a fifth.
			if len(signed) != 5 {
				t.Errorf("%d keys have signed within a month, want 5", len(signed))
			}
		})
	}
}

// TestPause: a hub that was off for longer than a key signs goes on with the old
// key until the new one is known.
func TestPause(t *testing.T) {
	s := newSite(t)
	before := published(t, s.node(t, ES256))
	s.clock.Advance(100 * 24 * time.Hour)
	keys := s.node(t, ES256)
	if _, err := s.verify(token(t, s.issuer(t, keys, ES256), ada), before); err != nil {
		t.Errorf("by what was published before the pause: %v", err)
	}
	if now := published(t, keys); len(now) != 2 {
		t.Errorf("%d keys are published after the pause, want the old and the next", len(now))
	}
}

// TestFirstKey: of many nodes that begin at once, one makes the key.
func TestFirstKey(t *testing.T) {
	s := newSite(t)
	var begin sync.WaitGroup
	for range 8 {
		keys := NewKeys(KeysOptions{Store: s.store, Ring: s.ring, Now: s.clock.Now})
		begin.Go(func() {
			if err := keys.Use(context.Background(), ES256); err != nil {
				t.Error(err)
			}
		})
	}
	begin.Wait()
	if found := published(t, s.node(t)); len(found) != 1 {
		t.Errorf("%d keys, want 1", len(found))
	}
}

// TestRotate: an operator's rotation is waited for until every kept JWKS is old.
func TestRotate(t *testing.T) {
	s := newSite(t)
	here, there := s.node(t, ES256), s.node(t, ES256)
	by := s.issuer(t, there, ES256)
	old := kid(t, token(t, by, ada))
	if err := here.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.look(t, there)
	known := published(t, there)
	s.clock.Advance(2*PublishedFor - time.Second)
	if kid(t, token(t, by, ada)) != old {
		t.Error("the new key signs at once")
	}
	s.clock.Advance(MaxLifetime)
	made := token(t, by, ada)
	if _, err := s.verify(made, known); err != nil || kid(t, made) == old {
		t.Errorf("the new key does not sign, or was not published: %v", err)
	}
	s.clock.Advance(retirement)
	s.look(t, there)
	if left := published(t, there); len(left) != 1 {
		t.Errorf("%d keys are published in the end, want 1", len(left))
	}
}

// TestSealed: a copy of the store signs nothing, and neither does a record that
// was put in another's place.
func TestSealed(t *testing.T) {
	s := newSite(t)
	keys := s.node(t, ES256)
	secret, err := x509.MarshalPKCS8PrivateKey((*keys.known.Load())[0].private)
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(w store.Writer) error {
		return records.Each(w, "", func(item store.Item[record]) error {
			if bytes.Contains(item.Value.Sealed, secret[len(secret)-32:]) {
				t.Error("the private key can be read")
			}
			return records.Put(w, "another", item.Value, time.Time{})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := published(t, keys); len(found) != 1 || found["another"] != nil {
		t.Errorf("published: %v", found)
	}
	// With another ring there is nothing that opens, and a new key.
	stranger := &site{store: s.store, clock: s.clock, ring: newRing(t, s.clock)}
	other := stranger.node(t, ES256)
	found := published(t, other)
	if len(found) != 1 {
		t.Fatalf("published by another ring: %v", found)
	}
	if _, err := s.verify(token(t, stranger.issuer(t, other, ES256), ada), found); err != nil {
		t.Error(err)
	}
	if text := (*keys.known.Load())[0].String(); strings.Contains(text, "{") {
		t.Errorf("a key prints as %s", text)
	}
}

// TestOutage: what is known goes on, and what is not known is no empty list.
func TestOutage(t *testing.T) {
	s := newSite(t)
	keys := s.node(t, ES256)
	by := s.issuer(t, keys, ES256)
	s.store.Away.Store(true)
	if _, err := s.verify(token(t, by, ada), published(t, keys)); err != nil {
		t.Errorf("while the store is away: %v", err)
	}
	fresh := NewKeys(KeysOptions{Store: s.store, Ring: s.ring, Now: s.clock.Now})
	answer := httptest.NewRecorder()
	fresh.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" ||
		answer.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a node that knows nothing: %d %v", answer.Code, answer.Header())
	}
}

func TestJWKSAnswer(t *testing.T) {
	s := newSite(t)
	keys := s.node(t)
	for method, want := range map[string]int{http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405} {
		answer := httptest.NewRecorder()
		keys.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, "/", nil))
		cached := answer.Header().Get("Cache-Control") == "public, max-age=300"
		if answer.Code != want || cached != (want == 200) {
			t.Errorf("%s: %d %v", method, answer.Code, answer.Header())
		}
		if method == http.MethodGet && answer.Body.String() != `{"keys":[]}` {
			t.Errorf("of a hub that signs nothing: %s", answer.Body)
		}
	}
}

// TestRun: a node that does nothing else rotates.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := storetest.NewClock()
		start := time.Now()
		now := func() time.Time { return clock.Now().Add(time.Since(start)) }
		s := newSite(t)
		keys := NewKeys(KeysOptions{Store: s.store, Ring: s.ring, Now: now})
		if err := keys.Use(t.Context(), EdDSA); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- keys.Run(ctx) }()
		time.Sleep(period + time.Hour)
		synctest.Wait()
		if all := *keys.known.Load(); len(all) != 2 || !slices.IsSortedFunc(all, func(a, b *key) int { return b.from.Compare(a.from) }) {
			t.Errorf("keys after a period: %v", all)
		}
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestUnknownAlgorithm(t *testing.T) {
	keys := NewKeys(KeysOptions{Store: newSite(t).store})
	if err := keys.Use(t.Context(), "HS256"); err == nil {
		t.Error("HS256 is taken, whose key would be published")
	}
}

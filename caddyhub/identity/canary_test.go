package identity

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// A copy of the store contains no secret that went into it, and no piece of it
// is a credential (edge-and-caddy S7).
func TestDumpLogsNobodyIn(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		seal := "canary of the environment, long enough"
		source := keyring.Stored{Store: f.store, Secret: []byte(seal), Now: f.clock.Now}
		ring, err := keyring.Open(t.Context(), source, f.clock.Now)
		if err != nil {
			t.Fatal(err)
		}
		f.Directory = New(Options{Store: f.store, Keys: ring, Now: f.clock.Now})
		secrets := plant(t, f)
		secrets["environment"] = seal
		if err := keyring.Rotate(t.Context(), source, ring); err != nil {
			t.Fatal(err)
		}
		for _, key := range ring.Keys() {
			secrets[key.String()] = string(key.Secret)
		}
		dump := f.dump(t)
		if !bytes.Contains(dump, []byte("wanda")) {
			t.Fatal("the dump is not one")
		}
		for what, secret := range secrets {
			for _, form := range []string{
				secret, hex.EncodeToString([]byte(secret)), url.QueryEscape(secret), strings.ToLower(secret),
				base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
			} {
				if bytes.Contains(dump, []byte(form)) {
					t.Errorf("%s: the dump contains %q", what, form)
				}
			}
		}
		tryAll(t, f, dump)
	})
}

// plant puts one of each secret into the store and returns them.
func plant(t *testing.T, f *fixture) map[string]string {
	secrets := map[string]string{
		"API token": "canary-api-token", "auth state": "canary-auth-state", "client": "canary-client-secret",
		"service": "canary-service-token", "old service": "canary-old-service-token", "deleted token": "canary-deleted-token",
	}
	service := ConfiguredService{Service: Service{Name: "portal"}, APIToken: secrets["old service"]}
	f.apply(t, Configuration{Services: []ConfiguredService{service}})
	service.APIToken = secrets["service"]
	f.apply(t, Configuration{Services: []ConfiguredService{service}})
	_, err := f.RecordLogin(t.Context(), Login{
		Name: "wanda", AuthState: json.RawMessage(`{"access_token":"` + secrets["auth state"] + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"API token", "deleted token"} {
		token, err := f.CreateToken(t.Context(), secrets[what], NewToken{Owner: UserOwner("wanda"), Scopes: inherit})
		if err != nil {
			t.Fatal(err)
		}
		if what == "deleted token" {
			if err := f.DeleteToken(t.Context(), UserOwner("wanda"), token.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.do(t, func(w store.Writer) error { return f.PutClient(w, OAuthClient{ID: "lab"}, secrets["client"]) })
	cookie, session := f.login(t, "wanda")
	secrets["cookie"] = cookie
	secrets["cookie's id"], secrets["cookie's secret"], _ = strings.Cut(cookie, ".")
	secrets["visitor token"] = f.VisitorToken(&session, adaLab)
	if _, err := f.BySession(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	return secrets
}

var word = regexp.MustCompile(`[A-Za-z0-9_.=+/-]{6,}`)

// tryAll uses every word of a dump as a credential, also in pairs with the ids
// of sessions.
func tryAll(t *testing.T, f *fixture, dump []byte) {
	words := make(map[string]bool)
	for _, found := range word.FindAll(dump, -1) {
		words[string(found)] = true
		if plain, err := base64.StdEncoding.DecodeString(string(found)); err == nil {
			words[base64.RawURLEncoding.EncodeToString(plain)] = true
		}
	}
	ids := f.records(t, "session")
	if len(words) < 20 || len(ids) != 1 {
		t.Fatalf("only %d words and %d sessions", len(words), len(ids))
	}
	client, err := read(f, func(r store.Reader) (OAuthClient, error) { return GetClient(r, "lab") })
	if err != nil {
		t.Fatal(err)
	}
	for text := range words {
		for _, token := range []string{text, VisitorPrefix + text, VisitorPrefix + ids[0] + "." + text} {
			if _, err := f.ByToken(t.Context(), token); !errors.Is(err, ErrInvalid) {
				t.Errorf("%q is a token: %v", token, err)
			}
		}
		for _, cookie := range []string{text, ids[0] + "." + text} {
			if _, err := f.BySession(t.Context(), cookie); !errors.Is(err, ErrInvalid) {
				t.Errorf("%q is a cookie: %v", cookie, err)
			}
		}
		if f.VerifyClientSecret(client, text) {
			t.Errorf("%q is a client secret", text)
		}
	}
}

// dump is everything that the store holds: the bytes of the file, or all keys
// and values of Redis.
func (f *fixture) dump(t *testing.T) []byte {
	t.Helper()
	if f.redis == nil {
		file, err := os.ReadFile(f.path)
		return must(t, file, err)
	}
	client := f.redis.Client()
	defer client.Close()
	ctx := t.Context()
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	var dump bytes.Buffer
	for _, key := range keys {
		kind, err := client.Type(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		var value any
		switch kind {
		case "string":
			value, err = client.Get(ctx, key).Result()
		case "hash":
			value, err = client.HGetAll(ctx, key).Result()
		case "zset":
			value, err = client.ZRangeWithScores(ctx, key, 0, -1).Result()
		case "stream":
			value, err = client.XRange(ctx, key, "-", "+").Result()
		default:
			t.Fatalf("%s is a %s", key, kind)
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&dump, key, value)
	}
	return dump.Bytes()
}

// TestAllKinds holds the list of kinds, which other tests search, to what is
// really stored.
func TestAllKinds(t *testing.T) {
	f := newFixture(t)
	f.newUser(t, "ada")
	changes := f.changes(t, func() {
		populate(t, f, "bob")
		plant(t, f)
		f.apply(t, Configuration{
			Roles:    []ConfiguredRole{{Role: Role{Name: "reader", Scopes: inherit}, Groups: []string{"astro"}}},
			Services: []ConfiguredService{{Service: Service{Name: "portal"}, APIToken: "canary-service-token"}},
		})
		f.clock.Advance(time.Minute)
	})
	known := make(map[string]bool)
	for _, kind := range allKinds {
		known[kind] = false
	}
	for _, change := range changes {
		if _, listed := known[change.Key.Kind]; !listed {
			t.Errorf("kind %s is missing in the list", change.Key.Kind)
		}
		known[change.Key.Kind] = true
	}
	for kind, written := range known {
		if !written {
			t.Errorf("nothing of kind %s was written", kind)
		}
	}
}

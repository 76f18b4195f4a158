package api_test

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/api"
	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// watchers are what those may who ask both APIs: every kind of filter, every
// scope that reveals fields of users, alone and together.
var watchers = [][]string{
	{"list:users"},
	{"list:users", "read:users:name"},
	{"list:users", "read:users"},
	{"admin:users", "admin:servers", "admin:server_state"},
	{"list:users", "read:users:activity", "read:servers", "delete:servers", "admin:users"},
	{"list:users!group=astro", "read:users!group=astro", "read:servers!group=astro"},
	{"list:users", "read:users!group=astro", "read:servers!server=ada/", "admin:server_state!user=bob"},
	{"list:users!user=ada", "list:users!group=late", "read:users:groups", "read:roles:users!user=ada"},
	{"list:users", "read:servers!user=bob"},
	{"read:users", "read:servers!server=eve/lab", "read:users:name!server=eve/lab"},
	{"read:servers", "admin:server_state!server=ada/lab"},
}

// TestMemoryAnswersAsTheStore changes users and servers at random and asks an
// API that reads the store and one that reads memory the same: the answers must
// be the same, byte for byte, at once.
func TestMemoryAnswersAsTheStore(t *testing.T) {
	h := newHub(t)
	tokens := h.watch(watchers)
	for _, user := range []string{"root", "ada"} {
		tokens = append(tokens, h.token(user, "inherit"), h.token(user, "read:users!user", "access:servers!server"), h.token(user))
	}
	h.awaitMemory()
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	for step := range 60 {
		change := h.changeSomething(random)
		paths := []string{
			"/users", "/users?state=ready", "/users?state=inactive&include_stopped_servers", "/user",
			"/users/" + someone(random) + "?include_stopped_servers=1", "/users/" + someone(random),
			fmt.Sprintf("/users?sort=%s&offset=%d&limit=%d&state=%s&name_filter=%s", oneOf(random, "id", "-id", "name", "-name", "last_activity", "-last_activity"),
				random.IntN(4), random.IntN(5), oneOf(random, "", "active", "ready", "inactive"), oneOf(random, "", "A", "e", "zz")),
		}
		for _, path := range paths {
			for i, token := range tokens {
				ask := request{method: "GET", path: path, token: token}
				if random.IntN(2) == 0 {
					ask = ask.with("Accept", paginated)
				}
				stored, remembered := h.answer(h.api, ask), h.answer(h.memory, ask)
				if diff := cmp.Diff(stored, remembered); diff != "" {
					t.Fatalf("seed %d, step %d (%s), caller %d asks %s (-store +memory):\n%s", seed, step, change, i, path, diff)
				}
			}
		}
	}
}

// watch makes a service with these scopes for each watcher and returns tokens.
func (h *hub) watch(scopes [][]string) (tokens []string) {
	h.t.Helper()
	var configuration identity.Configuration
	for i, held := range scopes {
		name := fmt.Sprintf("watcher%d", i)
		tokens = append(tokens, name+"-secret")
		configuration.Services = append(configuration.Services, identity.ConfiguredService{
			Service: identity.Service{Name: name}, APIToken: name + "-secret",
		})
		configuration.Roles = append(configuration.Roles, identity.ConfiguredRole{
			Role: identity.Role{Name: name, Scopes: held}, Services: []string{name},
		})
	}
	configuration.Admins = []string{"root"}
	if err := h.directory.Apply(h.t.Context(), configuration); err != nil {
		h.t.Fatal(err)
	}
	return tokens
}

// awaitMemory waits until memory answers.
func (h *hub) awaitMemory() {
	h.t.Helper()
	for !h.users.Read(h.t.Context(), func(userlist.Reading) {}) {
		if h.t.Context().Err() != nil {
			h.t.Fatal("memory never answers")
		}
	}
}

// answer is status and body of one answer.
func (h *hub) answer(of *api.API, ask request) string {
	recorder := httptest.NewRecorder()
	of.ServeHTTP(recorder, ask.http(h.t.Context()))
	return fmt.Sprintf("%d %s %s", recorder.Code, recorder.Header().Get("Content-Type"), recorder.Body)
}

func oneOf(random *rand.Rand, list ...string) string { return list[random.IntN(len(list))] }

func someone(random *rand.Rand) string {
	return oneOf(random, "root", "ada", "bob", "eve", "zoë", "a%2Fb", "<&>")
}

// changeSomething changes one thing and says what.
func (h *hub) changeSomething(random *rand.Rand) string {
	root := h.token("root", "inherit")
	user, name := someone(random), oneOf(random, "", "lab", "x y")
	ask := request{token: root}
	switch random.IntN(9) {
	case 0, 1:
		ask.method, ask.path = "POST", "/users/"+user
	case 2:
		if user != "root" && user != "ada" {
			ask.method, ask.path = "DELETE", "/users/"+user
			break
		}
		fallthrough
	case 3:
		ask.method, ask.path = "PATCH", "/users/eve"
		ask.body = fmt.Sprintf(`{"admin": %v, "auth_state": %s}`, random.IntN(2) == 0, oneOf(random, "null", `{"token": "x"}`))
	case 4:
		ask.method, ask.path = oneOf(random, "POST", "DELETE"), "/groups/"+oneOf(random, "astro", "late")+"/users"
		ask.body = fmt.Sprintf(`{"users": [%q]}`, oneOf(random, "ada", "eve"))
	case 5, 6:
		ask.method, ask.path = "POST", "/users/"+user+"/servers/"+strings.ReplaceAll(name, " ", "%20")
		ask.body = `{"size": "<big>"}`
	case 7:
		ask.method, ask.path = "DELETE", "/users/"+user+"/servers/"+strings.ReplaceAll(name, " ", "%20")
		ask.body = fmt.Sprintf(`{"remove": %v}`, random.IntN(2) == 0)
	case 8:
		at := time.Now().Add(time.Duration(random.IntN(100)) * time.Second).UTC()
		ask.method, ask.path = "POST", "/users/"+user+"/activity"
		ask.body = fmt.Sprintf(`{"last_activity": %q, "servers": {"": {"last_activity": %q}}}`,
			at.Format(time.RFC3339Nano), at.Add(time.Second).Format(time.RFC3339))
		if random.IntN(2) == 0 {
			defer func() {
				if err := h.directory.Activity().Flush(h.t.Context()); err != nil {
					h.t.Fatal(err)
				}
			}()
		}
	}
	answer := h.answer(h.memory, ask)
	return ask.method + " " + ask.path + " " + ask.body + ": " + answer
}

package conformance_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// beginning removes what sequences may have made and makes what they begin with.
var beginning = []string{
	"admin DELETE /hub/api/users/ute/server",
	"admin DELETE /hub/api/users/uma",
	"admin DELETE /hub/api/users/udo",
	"admin DELETE /hub/api/users/ute",
	"admin DELETE /hub/api/users/una",
	"admin DELETE /hub/api/users/nix",
	"admin DELETE /hub/api/groups/gem",
	"admin DELETE /hub/api/groups/gin",
	"admin DELETE /hub/api/services/run",
	"admin DELETE /hub/api/services/web",
	`admin POST /hub/api/users {"usernames": ["uma", "ute"]}`,
	`admin POST /hub/api/groups/gem {"users": ["uma"]}`,
}

// callersOfSequences have different reach into what sequences change.
var callersOfSequences = []string{
	"admin", "admin", "admin", "page:admin", "cookie:admin", "ada", "page:ada", "nobody", "stranger",
	"[admin:users]", "[admin:users!group=gem]", "[admin:groups]", "[groups!group=gem]", "[users!user=uma]",
	"[list:users,read:users!group=gem]", "[list:users!group=gem,list:groups!group=gem]",
	"[read:users,read:groups,list:groups]", "[tokens]", "[admin:services]", "[servers!group=gem]",
	"[list:services,read:services!service=run]", "[delete:users,delete:groups]",
	"token:1", "token:1", "token:2", "token:2", "token:3",
}

// requestsOfSequences are the requests, with words to choose for.
var requestsOfSequences = []string{
	"GET /users?QUERY", "GET /users?QUERY", "GET /users/USER", "GET /users/USER", "GET /users/USER?include_stopped_servers",
	`POST /users {"usernames": ["NAME"]}`, `POST /users {"usernames": ["NAME", "ada"], "admin": BOOL}`,
	"POST /users/USER", `POST /users/USER {"admin": BOOL}`,
	`PATCH /users/USER {"admin": BOOL}`, `PATCH /users/uma {"name": "una"}`, `PATCH /users/una {"name": "uma"}`,
	`PATCH /users/USER {"auth_state": {"a": 1}}`, `PATCH /users/USER {}`,
	"DELETE /users/USER",
	`POST /users/USER/activity {"last_activity": "2020-01-0DT00:00:00Z"}`,
	"GET /groups?QUERY", "GET /groups/GROUP", "POST /groups/GROUP", `POST /groups/GROUP {"users": ["NAME"]}`,
	`POST /groups {"groups": ["GROUP"]}`, "DELETE /groups/GROUP",
	`POST /groups/GROUP/users {"users": ["NAME"]}`, `POST /groups/GROUP/users {"users": ["uma", "ute"]}`,
	`DELETE /groups/GROUP/users {"users": ["NAME"]}`,
	`PUT /groups/GROUP/properties {"a": D}`,
	"GET /users/USER/tokens/${idD}", "DELETE /users/USER/tokens/${idD}",
	"POST /users/USER/tokens SAVED", `POST /users/USER/tokens {"scopes": ["SCOPE"]} SAVED`,
	`POST /users/USER/tokens {"scopes": ["SCOPE", "SCOPE"], "expires_in": 3600} SAVED`,
	`POST /users/admin/tokens {"scopes": ["SCOPE", "SCOPE"]} SAVED`, `POST /users/USER/tokens {"roles": ["user"]} SAVED`,
	"GET /user", "GET /user", "GET /authorizations/token/${tD}",
	"GET /services", "GET /services/SERVICE", `POST /services/SERVICE {"admin": BOOL}`,
	`POST /services/SERVICE {"oauth_redirect_uri": "https://x.example.org/", "oauth_client_allowed_scopes": ["SCOPE"]}`,
	"DELETE /services/SERVICE",
}

// seldom are requests that start and stop servers, which takes time. Their user
// is never renamed: a hub refuses it where the other forgets the route.
var seldom = []string{
	"POST /users/ute/server", `POST /users/ute/server {"a": D}`, "DELETE /users/ute/server",
	"GET /users/ute/server/progress", "GET /users?state=ready",
}

var words = map[string][]string{
	// A name is normalised in a body, but not in a path.
	"USER": {"uma", "uma", "uma", "udo", "ute", "una", "nix"}, "NAME": {"uma", "UMA", "udo", "Ute", "una", "nix"},
	"GROUP": {"gem", "gem", "gin"}, "SERVICE": {"run", "web", "reports"},
	"BOOL": {"true", "false", "false"}, "D": {"1", "2", "3"},
	"QUERY": {"", "limit=2", "offset=1", "limit=1&offset=2", "sort=-name", "sort=name&limit=3", "name_filter=u", "state=inactive", "state=active"},
	"SCOPE": {
		"self", "inherit", "read:users", "read:users!user", "list:users", "admin:users!user=uma", "users!group=gem",
		"groups", "groups!group=gem", "tokens!user=uma", "read:users:name!user=udo", "access:servers!server=uma/", "read:hub",
		"admin:groups", "read:services", "no:such", "custom:reports", "list:users!group=gem", "delete:users!user=udo",
	},
}

var wordPattern = regexp.MustCompile(`USER|NAME|GROUP|SERVICE|BOOL|QUERY|SCOPE|(?:id|t|-0|: )D`)

// pick chooses a member.
func pick(random *rand.Rand, list []string) string { return list[random.IntN(len(list))] }

// randomStep is a request with a caller. Tokens that were made are callers, too.
func randomStep(t *testing.T, random *rand.Rand) step {
	t.Helper()
	from := requestsOfSequences
	if random.IntN(60) == 0 {
		from = seldom
	}
	line := wordPattern.ReplaceAllStringFunc(pick(random, from), func(word string) string {
		if list := words[word]; list != nil {
			return pick(random, list)
		}
		return word[:len(word)-1] + pick(random, words["D"])
	})
	method, rest := cut(line)
	line, saved := strings.CutSuffix(rest, " SAVED")
	caller := pick(random, callersOfSequences)
	number, isToken := strings.CutPrefix(caller, "token:")
	if isToken {
		caller = "nobody"
	}
	s, err := parseStep(caller+" "+method+" /hub/api"+line, "random")
	if err != nil {
		t.Fatal(err)
	}
	if isToken {
		s.header = append(s.header, [2]string{"Authorization", "token ${t" + number + "}"})
	}
	if saved {
		number := pick(random, words["D"])
		s.save = map[string]string{"t" + number: "/token", "id" + number: "/id"}
	}
	return s
}

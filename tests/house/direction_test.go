package house_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// leaves import nothing of ours and may be imported by every package: records and
// pure functions over strings and numbers, each read, tested and fuzzed alone.
var leaves = []string{"audit", "hubpath", "httpstatus", "nexturl", "scope", "subdomain", "version", "xsrf"}

// rule is what one package of caddyhub/, with the packages in it, may import of
// caddyhub/ besides itself and the leaves.
type rule struct {
	may []string
	why string
}

var direction = map[string]rule{
	"store": {
		why: "a store keeps opaque records; what they mean is decided above it",
	},
	"jwks": {
		why: "it says whether a token was signed by whom we trust; what it is worth, those know who asked",
	},
	"authenticator": {
		may: []string{"jwks"},
		why: "it says who somebody is to the outside world; what they may do is decided in identity",
	},
	"osprocess": {
		why: "it knows the operating system and nothing of the hub",
	},
	"lease": {
		may: []string{"store"},
		why: "it says which node does a thing; what the thing is, those know who do it",
	},
	"spawner": {
		may: []string{"osprocess"},
		why: "it drives a platform; it is told all it needs and knows no users, scopes or records",
	},
	"identity": {
		may: []string{"store"},
		why: "it is the meaning of the records about people and tokens, and knows nobody who asks",
	},
	"identitytoken": {
		may: []string{"identity", "store"},
		why: "it signs what it is told of a visitor; who that is and what they may do is found out above it",
	},
	"route": {
		may: []string{"store"},
		why: "the table says where a path leads; who may go there is decided in gate",
	},
	"telemetry": {
		may: []string{"store"},
		why: "it is told what happened; it asks nobody",
	},
	"share": {
		may: []string{"identity", "store"},
		why: "a share is a grant between identities; the server that is shared is only a name to it",
	},
	"server": {
		may: []string{"identity", "lease", "route", "spawner", "store", "telemetry"},
		why: "it runs the life of servers for whoever asks, so it must not know who asks",
	},
	"service": {
		may: []string{"lease", "osprocess", "spawner", "store"},
		why: "it keeps programs running; what they may do at the hub is decided in identity and oauth",
	},
	"cull": {
		may: []string{"identity", "lease", "server", "store"},
		why: "it acts on what has become of servers and users; nobody asks it",
	},
	"userlist": {
		may: []string{"identity", "server", "store"},
		why: "it holds in memory what identity and server keep in the store, for whoever lists it",
	},
	"exchange": {
		may: []string{"authenticator", "identity", "jwks", "store"},
		why: "it turns a foreign token into an identity, whichever handler was given the token",
	},
	"loginfailures": {
		may: []string{"authenticator", "identity", "store"},
		why: "it keeps what a throttle counts; what to do about it the throttle decides",
	},
	"gate": {
		may: []string{"identity", "route", "share", "store", "telemetry"},
		why: "deciding is pure: it sees state and never starts, serves or renders anything",
	},
	"browser": {
		may: []string{"gate", "identity", "store"},
		why: "it knows cookies and proofs, the same for every face of the hub; the faces know it",
	},
	"handover": {
		may: []string{"browser", "gate", "identity", "store"},
		why: "it carries a login from one host to another; what either of them serves is no matter",
	},
	"refresh": {
		may: []string{"authenticator", "identity"},
		why: "it asks authenticators about sessions, whichever face of the hub a request came to",
	},
	"proxy": {
		may: []string{"identity", "route", "telemetry"},
		why: "it moves bytes where it is told for whom it is told; the decision is behind it",
	},
	"direct": {
		may: []string{"gate", "proxy", "route", "telemetry"},
		why: "it routes without asking who sends a request, so it knows neither users nor servers",
	},
	"edge": {
		may: []string{"browser", "gate", "handover", "identity", "proxy", "refresh", "route", "server", "share", "store", "telemetry"},
		why: "it carries out what gate decided about a request for a server; the pages and the API are other requests",
	},
	"appgate": {
		may: []string{"browser", "edge", "gate", "handover", "identity", "identitytoken", "refresh", "store"},
		why: "it carries out what gate decided about a request for an app; it knows neither servers nor routes",
	},
	"oauth": {
		may: []string{"browser", "gate", "identity", "refresh", "share", "store", "telemetry"},
		why: "the provider is one of the faces of identity; the faces do not know each other",
	},
	"api": {
		may: []string{"authenticator", "browser", "gate", "identity", "oauth", "refresh", "route", "server", "share", "spawner", "store", "telemetry", "userlist"},
		why: "the REST API is one of the faces of the hub; the faces do not know each other",
	},
	"web": {
		may: []string{"authenticator", "browser", "exchange", "gate", "handover", "identity", "oauth", "refresh", "route", "server", "share", "spawner", "store", "telemetry"},
		why: "the pages are one of the faces of the hub; the faces do not know each other",
	},
	"hub": {
		may: []string{"api", "appgate", "authenticator", "browser", "cull", "edge", "exchange", "gate", "handover", "identity", "identitytoken", "lease", "loginfailures", "oauth", "osprocess", "proxy", "refresh", "route", "server", "service", "share", "spawner", "store", "telemetry", "userlist", "web"},
		why: "it puts the parts together, so none of them knows it",
	},
}

func TestDirection(t *testing.T) {
	t.Parallel()
	tree := source(t)
	for _, f := range tree.files {
		if !f.isGo() || f.isTest() || !f.under("caddyhub") {
			continue
		}
		from := strings.Split(f.path, "/")[1]
		rule, known := direction[from]
		if !known && !slices.Contains(leaves, from) {
			t.Errorf("%s: caddyhub/%s has no place in the direction of dependencies: give it one, and the reason, in tests/house/direction_test.go", f.path, from)
			continue
		}
		if !known {
			rule.why = "it is a leaf: everybody may import it, so it imports nobody"
		}
		for name, pos := range f.imports() {
			to, ours := strings.CutPrefix(name, module+"/caddyhub/")
			to, _, _ = strings.Cut(to, "/")
			if !ours || to == from || slices.Contains(leaves, to) && known || slices.Contains(rule.may, to) {
				continue
			}
			t.Errorf("%s: caddyhub/%s must not import %s: %s", tree.at(pos), from, name, rule.why)
		}
	}
}

// TestDirectionHasNoCircle keeps the table honest: what may import each other
// by two of its lines has no direction.
func TestDirectionHasNoCircle(t *testing.T) {
	t.Parallel()
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		if slices.Contains(path, name) {
			t.Fatalf("circle: %s -> %s", strings.Join(path, " -> "), name)
		}
		for _, next := range direction[name].may {
			if _, known := direction[next]; !known {
				t.Errorf("%s may import %s, which has no line of its own", name, next)
			}
			visit(next, append(slices.Clone(path), name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(direction)) {
		visit(name, nil)
	}
}

// harnesses are packages of caddyhub/ that tests/ may import: they start or fill
// what the program runs against; the program itself is still seen from outside.
var harnesses = []string{
	module + "/caddyhub/store/redis/redistest", module + "/caddyhub/hub/hubseed", module + "/caddyhub/authenticator/ldap/slapdtest",
	module + "/caddyhub/nexturl/redirecttest", // a list of texts, and how a browser reads them
}

// TestFolders holds the imports between the top-level folders.
func TestFolders(t *testing.T) {
	t.Parallel()
	const caddy = "github.com/caddyserver/caddy"
	bans := []struct {
		from, prefix, why string
	}{
		{"caddyhub", caddy, "the hub itself can be read and tested without Caddy; modules/ adapts it"},
		{"caddyhub", module + "/modules", "modules adapts caddyhub to Caddy, never the other way round"},
		{"caddyhub", module + "/cmd", "commands are made of packages, never the other way round"},
		{"caddyhub", module + "/tests", "tests stand outside"},
		{"modules", module + "/cmd", "commands are made of packages, never the other way round"},
		{"modules", module + "/tests", "tests stand outside"},
		{"cmd", module + "/tests", "tests stand outside"},
		{"tests", module + "/caddyhub", "tests/ is black box: it runs the program and talks to it as everybody else does"},
		{"tests", module + "/modules", "tests/ is black box: it runs the program and talks to it as everybody else does"},
		{"tests", caddy, "tests/ is black box: it runs the program and talks to it as everybody else does"},
		{"examples", module, "an example is what a user could have written"},
	}
	tree := source(t)
	for _, f := range tree.files {
		if !f.isGo() {
			continue
		}
		for name, pos := range f.imports() {
			for _, ban := range bans {
				if f.under("tests") && slices.Contains(harnesses, name) {
					continue
				}
				if f.under(ban.from) && (name == ban.prefix || strings.HasPrefix(name, ban.prefix+"/")) {
					t.Errorf("%s: %s/ must not import %s: %s", tree.at(pos), ban.from, name, ban.why)
				}
			}
		}
	}
}

// predictable are the files that may use math/rand, and what they draw with it.
// To guess it gains an attacker nothing.
var predictable = map[string]string{
	"caddyhub/server/lease.go":            "when to renew a lease, so that nodes do not do it at once",
	"caddyhub/server/limits.go":           "how long a refused caller should wait, so that callers do not return at once",
	"caddyhub/server/watch.go":            "which node takes over a lease first",
	"caddyhub/spawner/process/ports.go":   "where the search for a free port begins",
	"caddyhub/store/redis/transaction.go": "how long an update that lost waits before it tries again",
}

// TestRandom keeps predictable numbers out of the program: what it draws is a
// secret, or the name of one.
func TestRandom(t *testing.T) {
	t.Parallel()
	tree := source(t)
	for _, f := range tree.files {
		if !f.isGo() || f.isTest() || predictable[f.path] != "" {
			continue
		}
		for name, pos := range f.imports() {
			if name == "math/rand" || name == "math/rand/v2" {
				t.Errorf("%s: must not import %s: use crypto/rand, or say in tests/house/direction_test.go what it draws and why that may be guessed", tree.at(pos), name)
			}
		}
	}
}

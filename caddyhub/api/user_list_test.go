package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

const paginated = "application/jupyterhub-pagination+json"

// pageOf is a list in pages.
type pageOf struct {
	Items      []map[string]any `json:"items"`
	Pagination struct {
		Offset, Limit, Total int
		Next                 *struct {
			Offset, Limit int
			URL           string
		}
	} `json:"_pagination"`
}

func names(users []map[string]any) []string {
	list := []string{}
	for _, user := range users {
		list = append(list, user["name"].(string))
	}
	return list
}

func TestListUsers(t *testing.T) {
	h := newHub(t)
	h.ready("bob", "")
	h.ready("ada", "lab")
	h.spawner.hold()
	if err := h.servers.Start(t.Context(), "eve", "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.directory.CreateUser(t.Context(), "A%_b", false); err != nil {
		t.Fatal(err)
	}
	root := h.token("root", "inherit")
	for query, want := range map[string]string{
		"":                                     "root ada bob eve A%_b",
		"sort=id":                              "root ada bob eve A%_b",
		"sort=-id":                             "A%_b eve bob ada root",
		"sort=name":                            "A%_b ada bob eve root",
		"sort=-name":                           "root eve bob ada A%_b",
		"sort=last_activity":                   "A%_b bob ada eve root", // those whose server was started were active then
		"sort=-last_activity":                  "root eve ada bob A%_b",
		"state=active":                         "ada bob eve",
		"state=ready":                          "ada bob",
		"state=inactive":                       "root A%_b",
		"state=":                               "root ada bob eve A%_b",
		"state=ready&sort=-name":               "bob ada",
		"name_filter=A":                        "ada A%_b",
		"name_filter=%25_":                     "A%_b",
		"name_filter=O&state=ready":            "bob",
		"offset=1&limit=2":                     "ada bob",
		"offset=-1&limit=-2":                   "ada bob",
		"limit=0":                              "root",
		"limit=100000000000000000000":          "root ada bob eve A%_b",
		"offset=99":                            "",
		"offset=100000000000000000000&limit=3": "",
	} {
		list := model[[]map[string]any](t, h.expect(request{method: "GET", path: "/users?" + query, token: root}, 200, ""))
		if got := strings.Join(names(list), " "); got != want {
			t.Errorf("%s: %s, not %s", query, got, want)
		}
	}
	const integers = "Invalid argument type, offset and limit must be integers"
	for query, want := range map[string]string{
		"state=x'y": `Unrecognized state filter: "x'y"`,
		"sort=age":  "sort must be 'id', 'name', or 'last_activity', not 'age'",
		"sort=--id": "sort must be 'id', 'name', or 'last_activity', not '--id'",
		"sort=":     "sort must be 'id', 'name', or 'last_activity', not ''",
		"limit=x":   integers, "offset=1.5": integers, "limit=": integers, "offset=%2B-1": integers, "limit=0x10": integers,
		"name_filter=%ff": "The query is not valid UTF-8", "name_filter=%zz": "The query is malformed",
	} {
		h.expect(request{method: "GET", path: "/users?" + query, token: root}, 400, want)
	}
	for filter, want := range map[string]string{
		"list:users!user=ada": "ada", "list:users!group=astro": "ada bob", "list:users!user=nobody": "", "list:users!group=none": "",
	} {
		list := model[[]map[string]any](t, h.expect(request{method: "GET", path: "/users", token: h.token("root", filter)}, 200, ""))
		if got := strings.Join(names(list), " "); got != want {
			t.Errorf("%s: %s, not %s", filter, got, want)
		}
	}
	// A filter that no user can match must not become all users.
	h.expect(request{method: "GET", path: "/users", token: h.token("root", "list:users!server=ada/", "list:users!user=ada")}, 403, "Forbidden")
	h.expect(request{method: "GET", path: "/users", token: h.token("root", "list:users!service=portal")}, 403, "Forbidden")
	h.expect(request{method: "GET", path: "/users", token: h.token("ada", "inherit")}, 403,
		"Action is not authorized with current scopes; requires any of [list:users]")
}

func TestPagination(t *testing.T) {
	h := newHub(t)
	many := make([]string, 250)
	for i := range many {
		many[i] = fmt.Sprintf("u%03d", i)
	}
	must(h.directory.CreateUsers(t.Context(), many, false))(t)
	all := append([]string{"root", "ada", "bob", "eve"}, many...)
	root := h.token("root", "inherit")
	get := request{method: "GET", path: "/users", token: root}
	bare := model[[]map[string]any](t, h.expect(get, 200, ""))
	if diff := cmp.Diff(all[:200], names(bare)); diff != "" {
		t.Errorf("without the header: %s", diff)
	}
	for _, accept := range []string{paginated, "text/html, " + paginated, " " + strings.ToUpper(paginated) + " ,*/*"} {
		page := model[pageOf](t, h.expect(get.with("Accept", accept), 200, ""))
		if len(page.Items) != 50 || page.Pagination.Limit != 50 || page.Pagination.Total != len(all) {
			t.Errorf("%q: %d items, %+v", accept, len(page.Items), page.Pagination)
		}
	}
	if got := h.send(get.with("Accept", paginated+";q=1")); !strings.HasPrefix(got.Body.String(), "[") {
		t.Error("a media type with parameters is another one")
	}
	// Following next.url as it is leads through the whole list.
	var walked []string
	get.path = "/users?name_filter=u&sort=-name&limit=60&x=a%26b"
	get.header = map[string][]string{"X-Forwarded-Proto": {"https"}}
	for range 10 {
		page := model[pageOf](t, h.expect(get.with("Accept", paginated), 200, ""))
		walked = append(walked, names(page.Items)...)
		next := page.Pagination.Next
		if next == nil {
			break
		}
		address := must(url.Parse(next.URL))(t)
		if address.Scheme != "https" || address.Host != "example.com" || address.Query().Get("x") != "a&b" || next.Limit != 60 {
			t.Fatalf("next: %+v", next)
		}
		get.path = address.RequestURI()
	}
	slices.Reverse(many)
	if diff := cmp.Diff(many, walked); diff != "" {
		t.Errorf("page by page: %s", diff)
	}
}

// TestListShowsOnlyWhatMayBeSeen puts together scopes and users at random. What
// a list shows of anybody is what the scopes say about that very user, worked
// out here in another way.
func TestListShowsOnlyWhatMayBeSeen(t *testing.T) {
	h := newHub(t)
	users := []string{"root", "ada", "bob", "eve"}
	inGroup := map[string][]string{"astro": {"ada", "bob"}, "solo": {"eve"}}
	must(h.directory.SetGroups(t.Context(), "eve", []string{"solo"}))(t)
	h.ready("ada", "")
	h.ready("bob", "lab")
	filters := []string{"", "!user=ada", "!user=bob", "!user=eve", "!user=nobody", "!group=astro", "!group=solo", "!group=none"}
	scopes := []string{"list:users", "read:users", "read:users:name", "read:users:groups", "read:users:activity", "read:roles:users",
		"read:servers", "admin:auth_state", "users", "admin:users"}
	reaches := func(filter, user string) bool {
		kind, value, _ := strings.Cut(strings.TrimPrefix(filter, "!"), "=")
		switch kind {
		case "user":
			return value == user
		case "group":
			return slices.Contains(inGroup[value], user)
		}
		return true
	}
	rapid.Check(t, func(rt *rapid.T) {
		type grant struct{ scope, filter string }
		var grants []grant
		texts := []string{}
		for range rapid.IntRange(1, 5).Draw(rt, "grants") {
			g := grant{rapid.SampledFrom(scopes).Draw(rt, "scope"), rapid.SampledFrom(filters).Draw(rt, "filter")}
			grants, texts = append(grants, g), append(texts, g.scope+g.filter)
		}
		// Of a service, since every token of a user may read that user's name.
		secret := h.tokenWith(identity.NewToken{Owner: identity.ServiceOwner("portal"), Scopes: texts})
		got := h.send(request{method: "GET", path: "/users", token: secret})
		set, _, err := scope.Builtin().Expand(texts, scope.Owner{})
		if err != nil {
			rt.Fatal(err)
		}
		if _, listing := set.Filters("list:users"); !listing {
			if got.Code != 403 {
				rt.Fatalf("%v: %d", texts, got.Code)
			}
			return
		}
		shown := model[[]map[string]any](t, got)
		for _, user := range shown {
			name := user["name"].(string)
			listed := slices.ContainsFunc(grants, func(g grant) bool {
				return slices.Contains([]string{"list:users", "users", "admin:users"}, g.scope) && reaches(g.filter, name)
			})
			if !listed {
				rt.Fatalf("%v show %s", texts, name)
			}
			for field, by := range map[string][]string{
				"auth_state": {"admin:auth_state", "admin:users"},
				"roles":      {"read:users", "users", "admin:users", "read:roles:users"},
				"created":    {"read:users", "users", "admin:users"},
				"groups":     {"read:users", "users", "admin:users", "read:users:groups"},
				"servers":    {"read:servers"},
			} {
				_, has := user[field]
				may := slices.ContainsFunc(grants, func(g grant) bool { return slices.Contains(by, g.scope) && reaches(g.filter, name) })
				if has != may {
					rt.Fatalf("%v: %s of %s is shown: %v", texts, field, name, has)
				}
			}
		}
		for _, name := range users {
			listed := slices.ContainsFunc(grants, func(g grant) bool {
				return slices.Contains([]string{"list:users", "users", "admin:users"}, g.scope) && reaches(g.filter, name)
			})
			if listed != slices.Contains(names(shown), name) {
				rt.Fatalf("%v: %s is listed: %v", texts, name, !listed)
			}
		}
	})
}

// counting counts what one transaction reads.
type counting struct {
	store.Reader
	users int
}

func (c *counting) Get(key store.Key) (store.Record, error) {
	if key.Kind == "user" {
		c.users++
	}
	return c.Reader.Get(key)
}

func (c *counting) List(kind string, page store.Page) ([]store.Record, error) {
	records, err := c.Reader.List(kind, page)
	if kind == "user" {
		c.users += len(records)
	}
	return records, err
}

// TestPageOfMany reads one page of many users without reading the others.
func TestPageOfMany(t *testing.T) {
	h := newHub(t)
	many := make([]string, 3000)
	for i := range many {
		many[i] = fmt.Sprint("u", i)
	}
	must(h.directory.CreateUsers(t.Context(), many, false))(t)
	for _, order := range []identity.UserOrder{identity.ByCreation, identity.ByName, identity.ByActivity} {
		err := h.store.View(t.Context(), func(r store.Reader) error {
			c := &counting{Reader: r}
			users, total, err := h.directory.ListUsers(c, identity.UserQuery{Everybody: true, Order: order, Offset: 2000, Limit: 50})
			if err != nil {
				return err
			}
			if len(users) != 50 || total != 3004 || c.users != 50 {
				t.Errorf("order %d: %d of %d users, %d read", order, len(users), total, c.users)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

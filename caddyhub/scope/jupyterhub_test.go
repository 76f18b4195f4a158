package scope

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// How many random cases and texts TestAgainstJupyterHub compares.
const (
	randomCases = 3000
	randomTexts = 4000
)

type (
	question struct {
		Custom map[string]customSpec `json:"custom"`
		World  worldSpec             `json:"world"`
		Texts  []string              `json:"texts"`
		Cases  []caseSpec            `json:"cases"`
	}
	customSpec struct {
		Description string   `json:"description"`
		Subscopes   []string `json:"subscopes,omitempty"`
	}
	worldSpec struct {
		Users    []string            `json:"users"`
		Groups   map[string][]string `json:"groups"`
		Services []string            `json:"services"`
		Servers  [][2]string         `json:"servers"`
	}
	ownerSpec struct {
		User    string `json:"user"`
		Service string `json:"service"`
	}
	caseSpec struct {
		Scopes []string    `json:"scopes"`
		Held   []string    `json:"held"`
		Owner  ownerSpec   `json:"owner"`
		Client string      `json:"client"`
		Checks []checkSpec `json:"checks"`
	}
	checkSpec struct {
		Scopes []string `json:"scopes"`
		Kind   string   `json:"kind"`
		User   string   `json:"user"`
		Name   string   `json:"name"`
	}

	reply struct {
		Facts    factsReply  `json:"facts"`
		Accepted []bool      `json:"accepted"`
		Answers  []caseReply `json:"answers"`
	}
	factsReply struct {
		Definitions map[string]struct{ Anywhere, Server []string } `json:"definitions"`
		Roles       map[string][]string                            `json:"roles"`
		Self        []string                                       `json:"self"`
	}
	caseReply struct {
		Expanded                  []string `json:"expanded"`
		Held                      []string `json:"held"`
		Intersection              []string `json:"intersection"`
		IntersectionWithoutGroups []string `json:"intersection_without_groups"`
		Missing                   []string `json:"missing"`
		Token                     []string `json:"token"`
		Granted                   []string `json:"granted"`
		Refused                   []string `json:"refused"`
		Decisions                 []int    `json:"decisions"`
		Filtered                  []*bool  `json:"filtered"`
	}
)

// The names are chosen to hurt: separators, spaces, letters beyond ASCII, one
// name that begins with another, a server named like a user.
var testWorld = worldSpec{
	Users: []string{"ada", "ada2", "grace", "space word", "a=b!c", "größe"},
	Groups: map[string][]string{
		"astro": {"ada", "grace"}, "/sub/group": {"ada2"}, "a=b": {"space word", "ada"}, "empty": {},
	},
	Services: []string{"portal", "idle culler"},
	Servers: [][2]string{
		{"ada", ""}, {"ada", "lab"}, {"ada2", "lab"}, {"grace", ""}, {"grace", "ada"},
		{"space word", "x=y"}, {"a=b!c", "q!z"}, {"größe", "ü"},
	},
}

var testCustom = map[string]Custom{
	"custom:app:read":  {Description: "read"},
	"custom:app:write": {Description: "write", Subscopes: []string{"custom:app:read"}},
	"custom:app:*":     {Description: "all", Subscopes: []string{"custom:app:write"}},
}

func (w worldSpec) groupsOf(user string) []string {
	var groups []string
	for name, members := range w.Groups {
		if slices.Contains(members, user) {
			groups = append(groups, name)
		}
	}
	return groups
}

// TestAgainstJupyterHub asks the installed Python package the same questions.
func TestAgainstJupyterHub(t *testing.T) {
	t.Parallel()
	python := interpreter(t)
	seed := testSeed(t)
	d, err := NewDefinitions(testCustom)
	if err != nil {
		t.Fatal(err)
	}
	g := generator{rand.New(rand.NewPCG(seed, 0)), d}
	q := question{Custom: map[string]customSpec{}, World: testWorld}
	for name, c := range testCustom {
		q.Custom[name] = customSpec(c)
	}
	for range randomTexts {
		q.Texts = append(q.Texts, g.text())
	}
	for range randomCases {
		q.Cases = append(q.Cases, g.caseSpec())
	}
	r := ask(t, python, q)

	compareFacts(t, d, r.Facts)
	compareTexts(t, d, q.Texts, r.Accepted)
	for i, c := range q.Cases {
		compareCase(t, d, c, r.Answers[i])
		if t.Failed() {
			t.Fatalf("seed %d, case %d: %+v", seed, i, c)
		}
	}
}

func compareFacts(t *testing.T, d *Definitions, facts factsReply) {
	t.Helper()
	for name, want := range facts.Definitions {
		if diff := cmp.Diff(want.Anywhere, d.Includes(name)); diff != "" {
			t.Errorf("%s includes (-JupyterHub +ours):\n%s", name, diff)
		}
		onServer := append([]string{}, d.scopes[name].onServer...)
		if diff := cmp.Diff(want.Server, onServer); diff != "" {
			t.Errorf("%s on a server includes (-JupyterHub +ours):\n%s", name, diff)
		}
	}
	if len(facts.Definitions) != len(d.All()) {
		t.Errorf("%d scopes defined, JupyterHub has %d", len(d.All()), len(facts.Definitions))
	}
	roles := map[string][]string{}
	for _, role := range DefaultRoles() {
		roles[role.Name] = role.Scopes
	}
	if diff := cmp.Diff(facts.Roles, roles); diff != "" {
		t.Errorf("default roles (-JupyterHub +ours):\n%s", diff)
	}
	if diff := cmp.Diff(facts.Self, SelfScopes("ada").Strings()); diff != "" {
		t.Errorf("self (-JupyterHub +ours):\n%s", diff)
	}
}

// compareTexts holds that we accept nothing that JupyterHub refuses. The reverse
// is not wanted.
func compareTexts(t *testing.T, d *Definitions, texts []string, accepted []bool) {
	t.Helper()
	ours := 0
	for i, text := range texts {
		if _, err := d.Parse(text); err == nil {
			ours++
			if !accepted[i] {
				t.Errorf("%q is accepted, JupyterHub refuses it", text)
			}
		}
	}
	if ours < len(texts)/20 {
		t.Errorf("only %d of %d texts are scopes: the comparison says little", ours, len(texts))
	}
}

func compareCase(t *testing.T, d *Definitions, c caseSpec, want caseReply) {
	t.Helper()
	owner := Owner{User: c.Owner.User, Service: c.Owner.Service}
	withClient := owner
	withClient.Client = c.client()
	expanded, _, err := d.Expand(c.Scopes, withClient)
	if err != nil {
		t.Error(err)
	}
	held, _, err := d.Expand(c.Held, owner)
	if err != nil {
		t.Error(err)
	}
	groups := GroupsOf(testWorld.groupsOf)
	same(t, "expanded", want.Expanded, expanded.Strings())
	same(t, "held", want.Held, held.Strings())
	same(t, "intersection", want.Intersection, Intersect(expanded, held, groups).Strings())
	same(t, "reversed intersection", want.Intersection, Intersect(held, expanded, groups).Strings())
	same(t, "intersection without groups", want.IntersectionWithoutGroups, Intersect(expanded, held, nil).Strings())
	same(t, "missing", want.Missing, append([]string{}, expanded.Missing(held, groups)...))
	if owner != (Owner{}) {
		token, _, err := d.Token(c.Scopes, withClient, held, groups)
		if err != nil {
			t.Error(err)
		}
		same(t, "token", want.Token, token.Strings())
	}
	compareResolved(t, d, c, withClient, want)
	for i, check := range c.Checks {
		compareDecision(t, held, check, want.Decisions[i], want.Filtered[i])
	}
}

// compareResolved compares what the resolved scopes mean. JupyterHub calls some
// scopes refused that it grants in full, piece by piece; we may refuse fewer.
func compareResolved(t *testing.T, d *Definitions, c caseSpec, owner Owner, want caseReply) {
	t.Helper()
	granted, refused, err := d.Resolve(c.Scopes, c.Held, owner, testWorld.groupsOf)
	if err != nil {
		t.Error(err)
	}
	ours, _, err := d.Expand(granted, owner)
	if err != nil {
		t.Error(err)
	}
	theirs, err := NewSet(want.Granted...)
	if err != nil {
		t.Error(err)
	}
	groups := GroupsOf(testWorld.groupsOf)
	same(t, "granted but not by JupyterHub", nil, ours.Missing(theirs, groups))
	same(t, "granted only by JupyterHub", nil, theirs.Missing(ours, groups))
	for _, text := range refused {
		if !slices.Contains(want.Refused, text) {
			t.Errorf("%q is refused, JupyterHub grants it", text)
		}
	}
}

func compareDecision(t *testing.T, held Set, c checkSpec, status int, filtered *bool) {
	t.Helper()
	var on Resource
	switch c.Kind {
	case "user":
		on = OnUser(c.Name)
	case "group":
		on = OnGroup(c.Name)
	case "service":
		on = OnService(c.Name)
	case "server":
		on = OnServer(c.User, c.Name)
	}
	want := map[int]Access{200: Granted, 404: Elsewhere, 403: None}[status]
	if got := held.CheckAny(on, testWorld.groupsOf, c.Scopes...); got != want {
		t.Errorf("check %+v: %s, JupyterHub answers %d", c, got, status)
	}
	if filtered != nil {
		f, _ := held.Filters(c.Scopes[0])
		if got := f.Allows(on, testWorld.groupsOf); got != *filtered {
			t.Errorf("filter %+v: %t, JupyterHub %t", c, got, *filtered)
		}
	}
}

func same(t *testing.T, what string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-JupyterHub +ours):\n%s", what, diff)
	}
}

func (c caseSpec) client() Client {
	kind, name, _ := strings.Cut(c.Client, " ")
	switch kind {
	case "server":
		server, _ := ParseServer(name)
		return Client{Server: server}
	case "service":
		return Client{Service: name}
	}
	return Client{}
}

func ask(t *testing.T, python string, q question) reply {
	t.Helper()
	input, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	// Read here, so that a changed script makes the test run again.
	script, err := os.ReadFile(filepath.Join("testdata", "reference.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", string(script))
	cmd.Stdin = bytes.NewReader(input)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.Bytes())
	}
	var r reply
	if err := json.Unmarshal(output, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Answers) != len(q.Cases) || len(r.Accepted) != len(q.Texts) {
		t.Fatalf("asked %d cases and %d texts, got %d and %d answers",
			len(q.Cases), len(q.Texts), len(r.Answers), len(r.Accepted))
	}
	return r
}

// interpreter finds the Python that has jupyterhub installed.
func interpreter(t *testing.T) string {
	t.Helper()
	venv := os.Getenv("CADDYHUB_TEST_VENV")
	if venv == "" {
		dir, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil || dir == filepath.Dir(dir) {
				break
			}
			dir = filepath.Dir(dir)
		}
		venv = filepath.Join(dir, "tests", ".venv")
	}
	python := filepath.Join(venv, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatalf("no Python with jupyterhub: %v", err)
		}
		t.Skipf("no Python with jupyterhub: %v", err)
	}
	return python
}

// testSeed is random, or CADDYHUB_TEST_SEED to repeat a run.
func testSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("CADDYHUB_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CADDYHUB_TEST_SEED=%d", seed)
	return seed
}

package neighbours_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// outcome is what a page says of an attack.
type outcome struct{ Loot, Refused string }

// try tries an attack from a page of a user's server, in ada's browser.
func (v *visitor) try(user, name string) (result outcome) {
	v.t.Helper()
	v.open("/user/" + user + "/hostile/page.html")
	v.evaluate("run("+strconv.Quote(name)+")", &result)
	return result
}

func (a attack) effectBy(user string) string { return strings.ReplaceAll(a.effect, "USER", user) }

// hit tells whether a page has got what it wanted; what an attack does is looked
// for in ada's home.
func (a attack) hit(got outcome) bool {
	if a.loot == "" {
		return a.effect == "" && got.Refused == ""
	}
	return strings.Contains(got.Loot, a.loot)
}

// TestNeighbours: a page of mallory's server, in the browser of ada, who is logged
// in, neither reads nor changes anything on ada's server. The same page on ada's
// own server does both.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	ada := newVisitor(t, s.Hub)
	ada.logIn("ada")
	ada.open("/user/mallory/hostile/page.html")
	var known []string
	ada.evaluate("Object.keys(attacks)", &known)
	slices.Sort(known)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(attacks)), known); diff != "" {
		t.Fatalf("the page has other attacks (-here +page):\n%s", diff)
	}
	// Ada has been to her own server, so that its cookies are there to be had.
	ada.open("/user/ada/hostile/page.html")

	before := s.belongings(t)
	for name, attack := range attacks {
		if got := ada.try("mallory", name); attack.hit(got) {
			t.Errorf("%s: mallory's page got %.300q", name, got.Loot)
		}
	}
	for name, attack := range attacks {
		ada.tryAtHome(s, name, attack)
	}
	// What mallory's page has sent came before what ada's did, and that has worked.
	compare(t, before, s.belongings(t))
	t.Run("Tossed cookies", func(t *testing.T) { testTossing(t, s, ada) })
	t.Run("Cache", func(t *testing.T) { testCache(t, s, ada) })
	t.Run("Worker of everything", func(t *testing.T) { testWorkerOfEverything(t, s, ada) })
}

// tryAtHome shows that an attack works where nothing protects from it.
func (v *visitor) tryAtHome(s *street, name string, attack attack) {
	v.t.Helper()
	got := v.try("ada", name)
	effect, gone := strings.CutPrefix(attack.effectBy("ada"), "-")
	switch {
	case attack.never:
		if got.Refused == "" {
			v.t.Errorf("%s: even ada's own page got %.300q", name, got.Loot)
		}
	case attack.loot != "" && !attack.hit(got), attack.loot == "" && got.Refused != "":
		v.t.Errorf("%s does not work on ada's own page, so it proves nothing: %+v", name, got)
	case effect != "":
		hubtest.Eventually(v.t, name+" on ada's own page", func() bool { return s.has(v.t, effect) != gone })
	}
}

// compare finds what mallory's page has made, changed or removed on ada's server.
func compare(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, text := range after {
		if was, known := before[name]; (!known || was != text) && strings.Contains(name, "mallory") {
			t.Errorf("%s: %q on ada's server", name, text)
		}
	}
	for name, text := range before {
		now, left := after[name]
		if (!left || now != text) && !strings.Contains(name, "-ada") && !strings.Contains(name, ".ipynb_checkpoints") && name != "terminals" {
			t.Errorf("%s was %q and is %q", name, text, now)
		}
	}
}

// testTossing: cookies that mallory's page has put where ada's server gets them
// prove nothing, and neither does it help to push others out.
func testTossing(t *testing.T, s *street, ada *visitor) {
	ada.t = t
	for _, many := range []int{0, 400} {
		ada.open("/user/mallory/hostile/page.html")
		var length int
		ada.evaluate("toss("+strconv.Itoa(many)+")", &length)
		if length == 0 {
			t.Fatal("no cookie was set")
		}
		for _, name := range []string{"fetch, cors", "fetch, no-cors", "XMLHttpRequest", "PUT", "beacon", "form, multipart", "picture", "script"} {
			var got outcome
			if ada.evaluate("run("+strconv.Quote(name)+")", &got); attacks[name].hit(got) {
				t.Errorf("%s, after %d cookies: mallory's page got %.300q", name, many, got.Loot)
			}
		}
		if many > 0 {
			break // they may have pushed out ada's own
		}
		// The right token is found among the others.
		if got := ada.try("ada", "PUT"); got.Refused != "" {
			t.Errorf("ada's own page, with cookies that were tossed: %+v", got)
		}
	}
	ada.logOutAndIn()
	if got := ada.try("ada", "fetch, cors"); !attacks["fetch, cors"].hit(got) {
		t.Errorf("after a new login: %+v", got)
	}
	if s.has(t, "*by-mallory*") || s.has(t, ".ipynb_checkpoints/*mallory*") {
		t.Error("mallory's page has changed something")
	}
}

// testWorkerOfEverything: the server says that its service worker may answer for
// the whole origin. Without the edge in between the browser believes it.
func testWorkerOfEverything(t *testing.T, s *street, ada *visitor) {
	ada.t = t
	const name = "service worker of everything"
	if got := ada.try("mallory", name); got.Refused == "" {
		t.Errorf("through the edge: %+v", got)
	}
	var direct outcome
	ada.visit(s.target(t, "mallory") + "/user/mallory/hostile/page.html")
	ada.evaluate("run("+strconv.Quote(name)+")", &direct)
	if !strings.Contains(direct.Loot, "registered for") {
		t.Errorf("without the edge it does not work either, so it proves nothing: %+v", direct)
	}
}

// testCache: what ada's own pages have loaded is not in the cache of her browser
// for mallory's page to read.
func testCache(t *testing.T, s *street, ada *visitor) {
	ada.t = t
	const page, data = "/user/ada/hostile/page.html", "/user/ada/api/contents/secret.txt?content=1"
	ada.open(page)
	var status int
	for _, path := range []string{data, page} {
		ada.evaluate("tokens().then(([token]) => fetch("+strconv.Quote(path)+", {headers: {'X-XSRFToken': token}})).then((a) => a.text().then(() => a.status))", &status)
		if status != http.StatusOK {
			t.Fatalf("ada's own page got %d for %s", status, path)
		}
	}
	ada.open("/user/ada/lab")
	ada.open("/user/mallory/hostile/page.html")
	for _, path := range []string{page, data, "/user/ada/lab", "/user/ada/hostile/attacks.js"} {
		for _, how := range []string{"only-if-cached", "force-cache"} {
			var got outcome
			if ada.evaluate("cached("+strconv.Quote(path)+", "+strconv.Quote(how)+")", &got); got.Refused == "" {
				t.Errorf("%s, %s: mallory's page got %.200q", path, how, got.Loot)
			}
		}
	}
	// Without the edge in between it is there.
	const direct = "/user/mallory/hostile/page.html"
	ada.visit(s.target(t, "mallory") + direct)
	var got outcome
	if ada.evaluate("cached("+strconv.Quote(direct)+", 'only-if-cached')", &got); !strings.Contains(got.Loot, sign) {
		t.Errorf("without the edge it is not there either, so this proves nothing: %+v", got)
	}
}

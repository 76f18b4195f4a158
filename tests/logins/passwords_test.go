package logins_test

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator/ldap/slapdtest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

var token = regexp.MustCompile(`<input type="hidden" name="_xsrf" value="([^"]+)">`)

// submit fills in the form of an authenticator and sends it; an empty name is the
// first form. fields are further ones, name and value.
func submit(t *testing.T, h *hubtest.Hub, c *hubtest.Client, name, user, password string, fields ...string) hubtest.Answer {
	t.Helper()
	page := c.Do(http.MethodGet, "/hub/login", nil)
	found := token.FindSubmatch(page.Body)
	if found == nil {
		t.Fatalf("not a login page: %s", page)
	}
	values := url.Values{"_xsrf": {html.UnescapeString(string(found[1]))}, "username": {user}, "password": {password}}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	target := "/hub/login"
	if name != "" {
		target += "?authenticator=" + name
	}
	return c.Do(http.MethodPost, target, values, "Origin", h.URL)
}

// who is what a client's own model says.
type who struct {
	Name   string
	Admin  bool
	Groups []string
}

// logIn logs somebody in and returns who he is to the hub.
func logIn(t *testing.T, h *hubtest.Hub, name, user, password string, fields ...string) (*hubtest.Client, who) {
	t.Helper()
	c := h.Anonymous()
	if answer := submit(t, h, c, name, user, password, fields...); answer.Status != http.StatusFound {
		t.Fatalf("login of %s: %s", user, answer)
	}
	var me who
	answer := c.Do(http.MethodGet, "/hub/api/user", nil)
	if answer.Status != http.StatusOK {
		t.Fatalf("%s: %s", user, answer)
	}
	answer.JSON(t, &me)
	return c, me
}

// refused checks how a login is answered that fails.
func refused(t *testing.T, h *hubtest.Hub, name, user, password string, status int, fields ...string) {
	t.Helper()
	if answer := submit(t, h, h.Anonymous(), name, user, password, fields...); answer.Status != status {
		t.Errorf("%s with %q: %d, want %d", user, password, answer.Status, status)
	}
}

func TestHtpasswd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	hash := func(password string) string {
		text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Replace(string(text), "$2a$", "$2y$", 1)
	}
	replace := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	replace("Ada:" + hash("first canary") + "\n")
	const argon = "$argon2id$v=19$m=47104,t=1,p=1$P2nzckEdTZ3bxCiBCkRTyA$xQL3Z32eo5jKl7u5tcIsnEKObYiyNZQQf5/4sAau6Pg"
	h := hubtest.Start(t, hubtest.Options{
		Authenticator: "authenticator htpasswd {\n file " + file + "\n}\nauthenticator htpasswd guests {\n user eve " + argon + "\n login_service \"Guests of today\"\n}",
	})
	page := h.Anonymous().Do(http.MethodGet, "/hub/login", nil)
	for _, text := range []string{`action="/hub/login?authenticator=guests"`, `action="/hub/login?authenticator=htpasswd"`, "Guests of today"} {
		if !strings.Contains(string(page.Body), text) {
			t.Errorf("the login page has no %s", text)
		}
	}
	session, me := logIn(t, h, "htpasswd", " ADA ", "first canary")
	if me.Name != "ada" {
		t.Errorf("she is %+v", me)
	}
	if _, me := logIn(t, h, "guests", "eve", "antitiming"); me.Name != "eve" {
		t.Errorf("she is %+v", me)
	}
	refused(t, h, "guests", "ada", "first canary", http.StatusForbidden)
	refused(t, h, "htpasswd", "ada", "wrong canary", http.StatusForbidden)
	refused(t, h, "htpasswd", "nobody", "first canary", http.StatusForbidden)

	replace("ada:" + hash("second canary") + "\ngrace:" + hash("third canary") + "\n")
	logIn(t, h, "htpasswd", "grace", "third canary")
	refused(t, h, "htpasswd", "ada", "first canary", http.StatusForbidden)
	logIn(t, h, "htpasswd", "ada", "second canary")
	replace("ada:{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=\n")
	logIn(t, h, "htpasswd", "grace", "third canary")
	if log := h.Log(); !strings.Contains(log, "SHA-1 is refused") || strings.Contains(log, "canary") || strings.Contains(log, "qvTGHdzF6KLavt4PO0gs2a6pQ00") || strings.Contains(log, "$2y$") {
		t.Error("the log does not say what is wrong with the file, or tells a secret")
	}
	if answer := session.Do(http.MethodGet, "/hub/api/user", nil); answer.Status != http.StatusOK {
		t.Errorf("a session from before: %s", answer)
	}
}

func TestLDAP(t *testing.T) {
	s := slapdtest.Start(t, slapdtest.Options{LDIF: slapdtest.Directory})
	h := hubtest.Start(t, hubtest.Options{
		Environment: []string{"LDAP_PASSWORD=" + slapdtest.SearchPassword},
		Authenticator: `authenticator ldap {
			server_address ` + s.URL + `
			tls_ca ` + s.Authority + `
			lookup_dn_search_user ` + slapdtest.Search + `
			lookup_dn_search_password {env.LDAP_PASSWORD}
			user_search_base ` + slapdtest.People + `
			group_search_base ` + slapdtest.Groups + `
			nested_groups
			admin_groups admins
		}
		authenticator ldap direct {
			server_address ` + s.SecureURL + `
			tls_ca ` + s.Authority + `
			bind_dn_template uid={username},` + slapdtest.People + `
		}`,
	})
	if _, me := logIn(t, h, "ldap", "ADA", slapdtest.Password); me.Name != "ada" || me.Admin || strings.Join(me.Groups, " ") != "physics science university" {
		t.Errorf("ada is %+v", me)
	}
	grace, me := logIn(t, h, "ldap", "grace", slapdtest.Password)
	if me.Name != "grace" || !me.Admin {
		t.Errorf("grace is %+v", me)
	}
	if _, me := logIn(t, h, "direct", "o'neil, jr", slapdtest.Password); me.Name != "o'neil, jr" {
		t.Errorf("o'neil is %+v", me)
	}
	for _, user := range []string{"ada)(uid=*", "*)(objectClass=*", "ada,ou=people", "strasse", "mary  ann", "nobody"} {
		for _, name := range []string{"ldap", "direct"} {
			refused(t, h, name, user, slapdtest.Password, http.StatusForbidden)
		}
	}
	refused(t, h, "ldap", "ada", "", http.StatusForbidden)
	refused(t, h, "direct", "ada", "", http.StatusForbidden)
	s.Stop()
	answer := submit(t, h, h.Anonymous(), "ldap", "ada", slapdtest.Password)
	if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("directory away: %s", answer)
	}
	if answer := grace.Do(http.MethodGet, "/hub/api/user", nil); answer.Status != http.StatusOK {
		t.Errorf("a session while the directory is away: %s", answer)
	}
	s.Restart()
	logIn(t, h, "ldap", "ada", slapdtest.Password)
	if log := h.Log(); strings.Contains(log, slapdtest.Password) || strings.Contains(log, slapdtest.SearchPassword) {
		t.Error("a password is in the log")
	}
}

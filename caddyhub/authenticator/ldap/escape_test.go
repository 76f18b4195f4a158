package ldap

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

var hostile = []string{
	"ada", "", " ada ", "ada)(uid=*", "*)(objectClass=*", `ada\2c`, "a,ou=x", "a+cn=b", "#61", `"a"`, "a;b", "a<b>", "a=b", "\\", "(", ")", "*",
	"{username}", "{userdn}", "a\nb", "ä", "a\\", "=", "a ", "  ", "<SID=1>",
}

// FuzzDN puts names into a template: whatever the name, the DN has the same parts,
// and the name is the whole value of one.
func FuzzDN(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) || name == "" || name != strings.TrimSpace(name) {
			t.Skip() // refused before it comes to this
		}
		made := bindName("uid={username},ou=people,dc=example", name)
		parsed, err := ldap.ParseDN(made)
		if err != nil {
			t.Fatalf("%q makes %q: %v", name, made, err)
		}
		if len(parsed.RDNs) != 3 || len(parsed.RDNs[0].Attributes) != 1 || parsed.RDNs[0].Attributes[0].Value != name ||
			!strings.EqualFold(parsed.RDNs[1].Attributes[0].Value, "people") {
			t.Errorf("%q makes %q, which is %v", name, made, parsed)
		}
		if as := bindName(`DOMAIN\{username}`, name); as != "" && as != `DOMAIN\`+name {
			t.Errorf("%q makes the account %q", name, as)
		}
	})
}

// FuzzFilter puts names into filters: whatever the name, the filter has the same
// shape, and tests for the name as it is.
func FuzzFilter(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	a := &Authenticator{options: Options{UserAttributes: []string{"uid", "mail"}, UserFilter: "(&(objectClass=person)(cn={username}))"}}
	shape := shapeOf(f, a.userFilter("x"), "x")
	groups := shapeOf(f, fill(DefaultGroupFilter, "x", "x", "x"), "x")
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) || name == "" {
			t.Skip() // refused before it comes to this
		}
		if got := shapeOf(t, a.userFilter(name), name); got != shape {
			t.Errorf("%q makes the filter %q", name, a.userFilter(name))
		}
		if got := shapeOf(t, fill(DefaultGroupFilter, name, name, name), name); got != groups {
			t.Errorf("%q makes the group filter of another shape", name)
		}
	})
}

// shapeOf is a filter as it is sent, with a mark for each value that is the name.
func shapeOf(t testing.TB, filter, name string) string {
	t.Helper()
	packet, err := ldap.CompileFilter(filter)
	if err != nil {
		t.Fatalf("%q makes %q: %v", name, filter, err)
	}
	var shape strings.Builder
	shape.WriteString(ldap.FilterMap[uint64(packet.Tag)])
	level := packet.Children // the variable has the type, whose package is not imported
	var walk func()
	walk = func() {
		for _, child := range level {
			shape.WriteString("(")
			if value := child.Data.String(); len(child.Children) > 0 {
				shape.WriteString(ldap.FilterMap[uint64(child.Tag)])
			} else if value == name {
				shape.WriteString("NAME")
			} else {
				shape.WriteString(value)
			}
			level = child.Children
			walk()
			shape.WriteString(")")
		}
	}
	walk()
	return shape.String()
}

package claims

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// told is what a provider might say.
const told = `{
	"sub": "f:1:ada", "preferred_username": "Ada", "id": 4711, "score": 1.5, "empty": "", "nothing": null,
	"email": "Ada@Example.org", "email_verified": true,
	"groups": ["staff", "/admins", 7], "one": "staff", "none": [], "mixed": ["a", {"b": 1}], "flag": "true",
	"realm_access": {"roles": ["maker", "user"]},
	"resource_access": {"my.client": {"roles": ["inner"]}},
	"https://example.org/groups": ["from a URL"],
	"a.b": {"c": "longest first"}, "a": {"b": {"c": "not this", "d": "never reached"}}
}`

func parse(t testing.TB, text string) Claims {
	t.Helper()
	c, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParse(t *testing.T) {
	for _, text := range []string{"", "null", "[]", `"x"`, "1", "{", `{"a":}`, `{} {}`, `{}x`, "\xff"} {
		if c, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, c)
		}
	}
}

// Claims that were kept are read as they were parsed: a number of 20 digits is
// still itself.
func TestKept(t *testing.T) {
	var kept struct{ Claims Claims }
	if err := json.Unmarshal([]byte(`{"Claims":{"id":12345678901234567890}}`), &kept); err != nil {
		t.Fatal(err)
	}
	if id, _ := kept.Claims.Text("id"); id != "12345678901234567890" {
		t.Errorf("id %q", id)
	}
	if err := json.Unmarshal([]byte(`{"Claims":[]}`), &kept); err == nil {
		t.Error("a list was read")
	}
}

func TestText(t *testing.T) {
	c := parse(t, told)
	for path, want := range map[string]string{
		"sub": "f:1:ada", "id": "4711", "score": "", "empty": "", "nothing": "", "missing": "", "groups": "",
		"realm_access": "", "realm_access.roles": "", "realm_access.": "", ".realm_access": "", "": "", ".": "", "sub.x": "",
		"a.b.c": "longest first", "a.b.d": "",
	} {
		if got, ok := c.Text(path); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", path, got, ok, want)
		}
	}
}

func TestTexts(t *testing.T) {
	c := parse(t, told)
	for path, want := range map[string][]string{
		"groups": {"staff", "/admins", "7"}, "one": {"staff"}, "none": {}, "nothing": {}, "missing": {}, "empty": {},
		"realm_access.roles": {"maker", "user"}, "resource_access.my.client.roles": {"inner"},
		"https://example.org/groups": {"from a URL"}, "id": {"4711"},
	} {
		got, err := c.Texts(path)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got)\n%s", path, err, diff)
		}
	}
	for _, path := range []string{"mixed", "realm_access", "email_verified", "score"} {
		if got, err := c.Texts(path); err == nil || strings.Contains(err.Error(), "true") {
			t.Errorf("%q was read as %q, %v", path, got, err)
		}
	}
	c["long"] = make([]any, MaxTexts+1)
	if _, err := c.Texts("long"); err == nil {
		t.Error("a list of any length was read")
	}
}

// Addresses that two programs could read in two ways are nobody's (CVE-2026-40574).
func TestSplitAddress(t *testing.T) {
	for address, want := range map[string]string{
		"ada@example.org": "example.org", "a.d+a@EXAMPLE.Org": "example.org", "ä@example.org": "example.org",
		"": "", "ada": "", "@": "", "ada@": "", "@example.org": "", "ada@org": "", "ada@example.org@evil.example": "",
		"ada@evil.example@example.org": "", `"ada@x"@example.org`: "", "ada @example.org": "", "ada@example.org ": "",
		" ada@example.org": "", "ada@example..org": "", "ada@.example.org": "", "ada@example.org.": "", "ada@exämple.org": "",
		"ada@ｅxample.org": "", "ada@example.org\n": "", "ada\x00@example.org": "", "<ada@example.org>": "", "ada@[127.0.0.1]": "",
		"ada,eve@example.org": "", "ada;eve@example.org": "", "ada@example.org,eve@evil.example": "", "ada@example.org/": "",
		strings.Repeat("a", 250) + "@example.org": "",
	} {
		_, domain, ok := SplitAddress(address)
		if domain != want || ok != (want != "") {
			t.Errorf("%q is in %q, %v; want %q", address, domain, ok, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		mapping Mapping
		change  map[string]any
		want    authenticator.Identity
	}{
		"name":             {Mapping{Username: "preferred_username"}, nil, authenticator.Identity{Name: "Ada"}},
		"number":           {Mapping{Username: "id"}, nil, authenticator.Identity{Name: "4711"}},
		"address":          {Mapping{Username: "email"}, nil, authenticator.Identity{Name: "Ada@Example.org"}},
		"prefix":           {Mapping{Username: "id", UsernamePrefix: "x:"}, nil, authenticator.Identity{Name: "x:4711"}},
		"without domain":   {Mapping{Username: "email", StripDomain: true, Domains: []string{"EXAMPLE.org"}}, nil, authenticator.Identity{Name: "Ada"}},
		"verified as text": {Mapping{Username: "email"}, map[string]any{"email_verified": "true"}, authenticator.Identity{Name: "Ada@Example.org"}},
		"unverified taken": {Mapping{Username: "email", UnverifiedEmail: true}, map[string]any{"email_verified": false}, authenticator.Identity{Name: "Ada@Example.org"}},
		"domain":           {Mapping{Username: "sub", Domains: []string{"example.com", "example.org"}}, nil, authenticator.Identity{Name: "f:1:ada"}},
		"required":         {Mapping{Username: "sub", Required: map[string][]string{"one": {"x", "staff"}, "groups": {"7"}}}, nil, authenticator.Identity{Name: "f:1:ada"}},
		"groups":           {Mapping{Username: "sub", Groups: "groups", GroupPrefix: "kc:"}, nil, authenticator.Identity{Name: "f:1:ada", Groups: []string{"kc:staff", "kc:/admins", "kc:7"}}},
		"groups are gone":  {Mapping{Username: "sub", Groups: "missing"}, nil, authenticator.Identity{Name: "f:1:ada", Groups: []string{}}},
		"administrator": {Mapping{Username: "sub", Groups: "groups", AdminGroups: []string{"/admins"}, GroupPrefix: "x"}, nil,
			authenticator.Identity{Name: "f:1:ada", Groups: []string{"xstaff", "x/admins", "x7"}, Admin: new(true), AdminsStay: true}},
		"no administrator any more": {Mapping{Username: "sub", Groups: "one", AdminGroups: []string{"/admins"}}, nil,
			authenticator.Identity{Name: "f:1:ada", Groups: []string{"staff"}, Admin: new(false), AdminsStay: true}},
		"other claims elsewhere": {Mapping{Username: "sub", Groups: "one"}, map[string]any{"_claim_names": map[string]any{"groups": "src1"}},
			authenticator.Identity{Name: "f:1:ada", Groups: []string{"staff"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, told)
			for claim, value := range test.change {
				c[claim] = value
			}
			mapping, err := test.mapping.Checked()
			if err != nil {
				t.Fatal(err)
			}
			got, err := mapping.Identity(c)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Whoever is refused is refused with 403, and no claim's value is in the error.
func TestRefusals(t *testing.T) {
	domain := []string{"example.org"}
	for name, test := range map[string]struct {
		mapping Mapping
		change  map[string]any
	}{
		"no name":              {Mapping{Username: "missing"}, nil},
		"empty name":           {Mapping{Username: "empty"}, nil},
		"name is a list":       {Mapping{Username: "groups"}, nil},
		"name is a fraction":   {Mapping{Username: "score"}, nil},
		"not verified":         {Mapping{Username: "email"}, map[string]any{"email_verified": false}},
		"not known verified":   {Mapping{Username: "email"}, map[string]any{"email_verified": nil}},
		"verified by a number": {Mapping{Username: "email"}, map[string]any{"email_verified": 1}},
		"domain, not verified": {Mapping{Username: "sub", Domains: domain}, map[string]any{"email_verified": "false"}},
		"other domain":         {Mapping{Username: "sub", Domains: domain}, map[string]any{"email": "ada@example.com"}},
		"longer domain":        {Mapping{Username: "sub", Domains: domain}, map[string]any{"email": "ada@evil-example.org"}},
		"sub-domain":           {Mapping{Username: "sub", Domains: domain}, map[string]any{"email": "ada@sub.example.org"}},
		"two domains":          {Mapping{Username: "sub", Domains: domain}, map[string]any{"email": "ada@evil.example@example.org"}},
		"two domains, name":    {Mapping{Username: "email"}, map[string]any{"email": "ada@evil.example@example.org"}},
		"no address":           {Mapping{Username: "sub", Domains: domain}, map[string]any{"email": nil}},
		"name in other domain": {Mapping{Username: "sub", Domains: domain, StripDomain: true}, map[string]any{"sub": "ada@example.com"}},
		"name has no domain":   {Mapping{Username: "sub", Domains: domain, StripDomain: true}, nil},
		"required is other":    {Mapping{Username: "sub", Required: map[string][]string{"one": {"other"}}}, nil},
		"required is missing":  {Mapping{Username: "sub", Required: map[string][]string{"missing": {"other"}}}, nil},
		"required is empty":    {Mapping{Username: "sub", Required: map[string][]string{"empty": {""}}}, nil},
		"required is unclear":  {Mapping{Username: "sub", Required: map[string][]string{"realm_access": {"x"}}}, nil},
		"groups are unclear":   {Mapping{Username: "sub", Groups: "mixed"}, nil},
		"groups left out":      {Mapping{Username: "sub", Groups: "groups"}, map[string]any{"_claim_names": map[string]any{"groups": "src1"}}},
		"groups inside left":   {Mapping{Username: "sub", Groups: "realm_access.roles"}, map[string]any{"_claim_names": map[string]any{"realm_access": "src1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := parse(t, told)
			for claim, value := range test.change {
				c[claim] = value
			}
			got, err := test.mapping.Identity(c)
			status, _, _ := authenticator.Describe(err)
			if got != nil && err == nil || !errors.Is(err, authenticator.ErrDenied) || status != 403 {
				t.Fatalf("identity %v, error %v", got, err)
			}
			for _, value := range []string{"evil", "4711", "f:1:ada", "example.com"} {
				if strings.Contains(err.Error(), value) {
					t.Errorf("the error tells a value: %v", err)
				}
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	for want, mapping := range map[string]Mapping{
		"user name is empty":      {},
		"strip_domain needs":      {Username: "email", StripDomain: true},
		"exactly one domain":      {Username: "email", StripDomain: true, Domains: []string{"a.example", "b.example"}},
		"admin_groups needs":      {Username: "email", AdminGroups: []string{"a"}},
		`"@example.org" is no`:    {Username: "email", Domains: []string{"@example.org"}},
		`"*.example.org" is no`:   {Username: "email", Domains: []string{"*.example.org"}},
		"require_claim takes":     {Username: "email", Required: map[string][]string{"hd": nil}},
		"require_claim takes a c": {Username: "email", Required: map[string][]string{"": {"x"}}},
	} {
		if _, err := mapping.Checked(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", mapping, err, want)
		}
	}
}

// FuzzIdentity: whatever a provider says, there is an identity whose name and
// groups were said and whose domain is the right one, or a refusal.
func FuzzIdentity(f *testing.F) {
	f.Add(told, "preferred_username", "groups")
	f.Add(`{"email":"a@example.org@example.org","email_verified":true}`, "email", "a.b.c")
	f.Add(`{"a":{"b":{"c":["x",1e3,null]}}}`, "a.b", "a.b.c")
	f.Fuzz(func(t *testing.T, text, username, groups string) {
		c, err := Parse([]byte(text))
		if err != nil {
			return
		}
		mapping := Mapping{Username: username, Groups: groups, Domains: []string{"example.org"}, AdminGroups: []string{"admins"}}
		identity, err := mapping.Identity(c)
		if err != nil {
			if status, _, _ := authenticator.Describe(err); status != 403 {
				t.Fatalf("status %d: %v", status, err)
			}
			return
		}
		address, _ := c["email"].(string)
		if at := strings.Split(address, "@"); len(at) != 2 || !strings.EqualFold(at[1], "example.org") || !c.True("email_verified") {
			t.Errorf("let in with the address %q", address)
		}
		if said, _ := c.Text(username); identity.Name == "" || identity.Name != said {
			t.Errorf("name %q, and it was said %q", identity.Name, said)
		}
		if managed := groups != ""; len(identity.Groups) > MaxTexts || managed != (identity.Groups != nil) || managed != (identity.Admin != nil) {
			t.Errorf("identity %+v", identity)
		}
	})
}

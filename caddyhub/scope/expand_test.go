package scope

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	ada    = Owner{User: "ada"}
	portal = Owner{Service: "portal"}
	adaLab = Owner{User: "ada", Client: Client{Server: Server{"ada", "lab"}}}
	adaApp = Owner{User: "ada", Client: Client{Service: "app"}}
)

func TestExpand(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		scopes  []string
		owner   Owner
		want    []string
		dropped error
	}{
		"nothing": {nil, ada, []string{}, nil},
		"subscopes keep the filter": {
			[]string{"users:activity!group=g"}, ada,
			[]string{"read:users:activity!group=g", "users:activity!group=g"}, nil,
		},
		"unfiltered swallows filtered, in either order": {
			[]string{"proxy!user=x", "proxy", "proxy!user=y", "read:tokens", "tokens!user=x"}, ada,
			[]string{"proxy", "read:tokens", "tokens!user=x"}, nil,
		},
		"twice is once": {
			[]string{"proxy!user=y", "proxy!user=x", "proxy!user=y"}, ada,
			[]string{"proxy!user=x", "proxy!user=y"}, nil,
		},
		"server filter does not name the user": {
			[]string{"servers!server=ada/lab"}, ada,
			[]string{"delete:servers!server=ada/lab", "read:servers!server=ada/lab", "servers!server=ada/lab"}, nil,
		},
		"scope on users with a server filter": {[]string{"read:users!server=ada/"}, ada, []string{}, ErrNotOnServer},
		"self of a user":                      {[]string{"self"}, ada, SelfScopes("ada").Strings(), nil},
		"self of a service":                   {[]string{"self"}, portal, []string{}, ErrNoTarget},
		"self of a group":                     {[]string{"self"}, Owner{}, []string{}, ErrNoTarget},
		"metascopes stay":                     {[]string{"inherit", "(no_scope)"}, ada, []string{"(no_scope)", "inherit"}, nil},
		"!user":                               {[]string{"proxy!user"}, ada, []string{"proxy!user=ada"}, nil},
		"!user of a service":                  {[]string{"proxy!user"}, portal, []string{}, ErrNoTarget},
		"!service of its own":                 {[]string{"proxy!service"}, portal, []string{"proxy!service=portal"}, nil},
		"!service of the client":              {[]string{"proxy!service"}, adaApp, []string{"proxy!service=app"}, nil},
		"!service of client before owner": {
			[]string{"proxy!service"}, Owner{Service: "portal", Client: Client{Service: "app"}},
			[]string{"proxy!service=app"}, nil,
		},
		"!service of a user":             {[]string{"proxy!service"}, ada, []string{}, ErrNoTarget},
		"!server of the client":          {[]string{"proxy!server"}, adaLab, []string{"proxy!server=ada/lab"}, nil},
		"!server of the default server":  {[]string{"proxy!server"}, Owner{Client: Client{Server: Server{User: "ada"}}}, []string{"proxy!server=ada/"}, nil},
		"!server of a token of the hub":  {[]string{"proxy!server"}, ada, []string{}, ErrNoTarget},
		"!server of a service's client":  {[]string{"proxy!server"}, adaApp, []string{}, ErrNoTarget},
		"the role of a server's token":   {DefaultRoles()[2].Scopes, adaLab, []string{"access:servers!server=ada/lab", "read:users:activity!user=ada", "users:activity!user=ada"}, nil},
		"dropping one leaves the others": {[]string{"proxy!server", "shutdown"}, ada, []string{"shutdown"}, ErrNoTarget},
	} {
		got, dropped, err := Builtin().Expand(tt.scopes, tt.owner)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got.Strings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if tt.dropped == nil && len(dropped) > 0 || tt.dropped != nil && (len(dropped) != 1 || !errors.Is(dropped[0].Reason, tt.dropped)) {
			t.Errorf("%s: dropped %v, want %v", name, dropped, tt.dropped)
		}
	}
}

func TestExpandKeepsTheRest(t *testing.T) {
	t.Parallel()
	got, _, err := Builtin().Expand([]string{"custom:gone:read", "shutdown", "proxy!"}, ada)
	if !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrSyntax) {
		t.Errorf("got %v, want both ErrUnknown and ErrSyntax", err)
	}
	if diff := cmp.Diff([]string{"shutdown"}, got.Strings()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOwnScopes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		got  Set
		want []string
	}{
		"self of nobody":             {SelfScopes(""), []string{}},
		"identify a user":            {IdentifyScopes(adaLab), []string{"read:users:groups!user=ada", "read:users:name!user=ada"}},
		"identify a service":         {IdentifyScopes(portal), []string{"read:services:name!service=portal"}},
		"identify nobody":            {IdentifyScopes(Owner{}), []string{}},
		"access to a server":         {AccessScopes(adaLab.Client), []string{"access:servers!server=ada/lab"}},
		"access to a default server": {AccessScopes(Client{Server: Server{User: "ada"}}), []string{"access:servers!server=ada/"}},
		"access to a service":        {AccessScopes(adaApp.Client), []string{"access:services!service=app"}},
		"access to the hub":          {AccessScopes(Client{}), []string{}},
	} {
		if diff := cmp.Diff(tt.want, tt.got.Strings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// What a user has by "self" must be closed: expanding it adds nothing.
	self := SelfScopes("ada")
	if again, _, err := Builtin().Expand(self.Strings(), Owner{}); err != nil || !again.Equal(self) {
		t.Errorf("self expands to %v, %v", again.Strings(), err)
	}
}

func TestDefaultRoles(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, role := range DefaultRoles() {
		names[role.Name] = true
		if err := Builtin().Validate(role.Scopes); err != nil || role.Description == "" {
			t.Errorf("role %s: %v, described %q", role.Name, err, role.Description)
		}
	}
	for _, name := range []string{UserRole, AdminRole, ServerRole, TokenRole} {
		if !names[name] {
			t.Errorf("there is no role %s", name)
		}
	}
	// The comparison with JupyterHub holds the lists; this holds what admins
	// need: nothing but metascopes is out of their reach.
	admin, _, err := Builtin().Expand(DefaultRoles()[1].Scopes, portal)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Builtin().All() {
		if name == Self || name == Inherit || name == NoScope {
			continue
		}
		if admin.Check(name, Resource{}, nil) != Granted {
			t.Errorf("an admin lacks %s", name)
		}
	}
}

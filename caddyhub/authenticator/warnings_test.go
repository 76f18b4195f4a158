package authenticator

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// openScript is open by default, logs in automatically and warns.
type openScript struct{ script }

func (*openScript) OpenByDefault() bool { return true }
func (*openScript) AutoLogin() bool     { return true }
func (*openScript) Warnings(rules Rules) []string {
	if len(rules.Admins) == 0 {
		return []string{"No admins."}
	}
	return nil
}

func TestWarnings(t *testing.T) {
	closed, open := Named{"closed", &script{}}, Named{"open", &openScript{}}
	for name, test := range map[string]struct {
		rules          Rules
		authenticators []Named
		want           []string // a part of each warning, in order
	}{
		"no rule":              {Rules{}, []Named{closed}, []string{"nobody can log in with closed"}},
		"no rule, open":        {Rules{}, []Named{open}, []string{"authenticator open: No admins."}},
		"no rule, both":        {Rules{}, []Named{open, closed}, []string{"nobody can log in with closed", "No admins."}},
		"a rule":               {Rules{AllowAll: true}, []Named{closed}, nil},
		"admins":               {Rules{Admins: []string{"ada"}}, []Named{closed, open}, nil},
		"existing":             {Rules{AllowExisting: new(true)}, []Named{closed}, nil},
		"blocked and allowed":  {Rules{Allow: []string{"b", "A", "c"}, Blocked: []string{"a", "B"}}, []Named{closed}, []string{`as well as in "allow", and therefore kept out: a, b.`}},
		"blocked among admins": {Rules{Admins: []string{"ada"}, Blocked: []string{"Ada"}}, []Named{closed}, []string{`as well as in "admins"`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustLogin(t, Options{Rules: test.rules}, test.authenticators...).Warnings()
			if len(got) != len(test.want) {
				t.Fatalf("warnings %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("warning %q, want %q", got[i], want)
				}
			}
		})
	}
}

// redirectScript logs in elsewhere.
type redirectScript struct {
	script
	Redirector
}

func (*redirectScript) Prompt() Prompt { return Prompt{Service: "Example"} }

func TestOffers(t *testing.T) {
	form, link := Named{"form", &script{}}, Named{"link", &redirectScript{}}
	got := mustLogin(t, Options{}, link, form).Offers()
	want := []Offer{
		{Name: "link", Prompt: Prompt{Service: "Example"}, Redirects: true},
		{Name: "form", Prompt: Prompt{Username: true, Password: true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("offers (-want +got):\n%s", diff)
	}
}

func TestAuto(t *testing.T) {
	auto, form := Named{"auto", &openScript{}}, Named{"form", &script{}}
	for name, test := range map[string]struct {
		authenticators []Named
		want           bool
	}{"alone": {[]Named{auto}, true}, "a form": {[]Named{form}, false}, "a choice": {[]Named{auto, form}, false}} {
		if _, got := mustLogin(t, Options{}, test.authenticators...).Auto(); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestAbout(t *testing.T) {
	login := mustLogin(t, Options{Rules: Rules{Admins: []string{"Ada"}, Blocked: []string{"Eve"}}}, Named{"this", &script{}})
	if !login.IsAdmin("ada") || login.IsAdmin("eve") || !login.IsBlocked("eve") || login.IsBlocked("ada") {
		t.Error("the lists of admins and blocked users are mixed up")
	}
	if name, err := login.UserName("ADA"); name != "ada" || err != nil {
		t.Errorf("UserName = %q, %v", name, err)
	}
	_, err := login.UserName("a/b")
	if status, _, _ := Describe(err); status != http.StatusForbidden {
		t.Errorf("invalid name: %v as %d", err, status)
	}
}

package null_test

import (
	"errors"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/null"
)

func TestContract(t *testing.T) {
	authenticatortest.Run(t, authenticatortest.Subject{
		New: func(*testing.T) authenticator.Authenticator { return null.Authenticator{} },
	})
}

// Not even an administrator with every rule on his side gets in, by form or
// automatically, and that is no reason for a warning.
func TestNobodyLogsIn(t *testing.T) {
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "null", Authenticator: null.Authenticator{}}},
		Rules:          authenticator.Rules{AllowAll: true, Allow: []string{"ada"}, Admins: []string{"ada"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []map[string]string{nil, {"username": "ada"}, {"username": "ada", "password": "x"}} {
		if decision, err := login.Login(t.Context(), "null", authenticator.Attempt{Form: form}); !errors.Is(err, authenticator.ErrDenied) {
			t.Errorf("form %v: decision %v, error %v, want ErrDenied", form, decision, err)
		}
	}
	if name, ok := login.Auto(); !ok || name != "null" {
		t.Errorf("automatic login %q, %v, want null", name, ok)
	}
	if prompt := login.Offers()[0].Prompt; prompt.Username || prompt.Password || prompt.Service != "" {
		t.Errorf("the login page shows %+v, want no way in", prompt)
	}
}

func TestNoWarningWithoutRules(t *testing.T) {
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "null", Authenticator: null.Authenticator{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if warnings := login.Warnings(); len(warnings) > 0 {
		t.Errorf("warnings %q, want none", warnings)
	}
}

package authenticator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refreshScript is an authenticator that answers refreshes from a script.
type refreshScript struct {
	script
	answer Refreshed
	err    error
	asked  *Session
}

func (s *refreshScript) Refresh(_ context.Context, user string, state json.RawMessage, _ *http.Request) (Refreshed, error) {
	s.asked = &Session{User: user, AuthState: state}
	return s.answer, s.err
}

func TestRefresh(t *testing.T) {
	state := json.RawMessage(`{"t":2}`)
	for name, test := range map[string]struct {
		rules  Rules
		answer Refreshed
		fails  error
		want   *Decision
		err    error
	}{
		"fresh":                        {answer: Refreshed{Outcome: Fresh}},
		"login again":                  {answer: Refreshed{Outcome: LoginAgain}, err: ErrDenied},
		"forgotten answer":             {err: ErrDenied},
		"unavailable":                  {fails: ErrUnavailable, answer: Refreshed{Outcome: Fresh}, err: ErrUnavailable},
		"blocked meanwhile":            {rules: Rules{Blocked: []string{"Ada"}}, answer: Refreshed{Outcome: Fresh}, err: ErrNotAllowed},
		"fresh, no rule names him now": {rules: Rules{Allow: []string{"eve"}}, answer: Refreshed{Outcome: Fresh}},
		"changed": {
			rules:  Rules{AllowAll: true, Admins: []string{"ada"}, UsernameMap: map[string]string{"mallory": "root"}},
			answer: Refreshed{Changed, &Identity{Name: "mallory", Groups: []string{"b", "a"}, AuthState: state}},
			want:   &Decision{User: "ada", Authenticator: "this", Groups: []string{"a", "b"}, AuthState: state},
		},
		"changed, a listed admin stays": {
			rules:  Rules{AllowAll: true, Admins: []string{"ada"}},
			answer: Refreshed{Changed, &Identity{Admin: new(false), AdminsStay: true}},
			want:   &Decision{User: "ada", Authenticator: "this", Admin: new(true)},
		},
		"changed, out of the group": {
			rules:  Rules{AllowGroups: []string{"staff"}},
			answer: Refreshed{Changed, &Identity{Groups: []string{"alumni"}}},
			err:    ErrNotAllowed,
		},
		"changed, groups untold": {
			rules:  Rules{AllowGroups: []string{"analysts"}},
			answer: Refreshed{Changed, &Identity{AuthState: state}},
			want:   &Decision{User: "ada", Authenticator: "this", AuthState: state},
		},
	} {
		t.Run(name, func(t *testing.T) {
			this := &refreshScript{answer: test.answer, err: test.fails}
			login := mustLogin(t, Options{Rules: test.rules, Users: directory{"ada": {"analysts"}}}, Named{"this", this})
			session := Session{User: "ada", Authenticator: "this", AuthState: json.RawMessage(`{"t":1}`)}
			got, err := login.Refresh(t.Context(), session, nil)
			if diff := cmp.Diff(test.want, got); !errors.Is(err, test.err) || diff != "" {
				t.Errorf("error %v, want %v; decision (-want +got):\n%s", err, test.err, diff)
			}
			session.Authenticator = ""
			if diff := cmp.Diff(&session, this.asked); this.asked != nil && diff != "" {
				t.Errorf("asked about (-want +got):\n%s", diff)
			}
		})
	}
}

// A change without an identity is a fault of the authenticator, not of the user.
func TestRefreshWithoutIdentity(t *testing.T) {
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true}}, Named{"this", &refreshScript{answer: Refreshed{Outcome: Changed}}})
	_, err := login.Refresh(t.Context(), Session{User: "ada", Authenticator: "this"}, nil)
	if status, _, _ := Describe(err); err == nil || status != http.StatusInternalServerError {
		t.Errorf("error %v, status %d, want 500", err, status)
	}
}

func TestRefreshWithoutRefresher(t *testing.T) {
	login := mustLogin(t, Options{}, Named{"this", &script{}})
	if decision, err := login.Refresh(t.Context(), Session{User: "ada", Authenticator: "this"}, nil); decision != nil || err != nil {
		t.Errorf("decision %v, error %v, want neither", decision, err)
	}
	if _, err := login.Refresh(t.Context(), Session{User: "ada", Authenticator: "gone"}, nil); !errors.Is(err, ErrDenied) {
		t.Errorf("authenticator gone: %v, want ErrDenied", err)
	}
}

package authenticatortest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

type attemptFunc func(context.Context, authenticator.Attempt) (*authenticator.Identity, error)

func (f attemptFunc) Authenticate(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	return f(ctx, attempt)
}

// sound keeps the contract; the faulty ones below differ from it in one thing.
func sound(ctx context.Context, attempt authenticator.Attempt) (*authenticator.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if attempt.Username() == "ada" && attempt.Password() == "Engine-1" {
		return &authenticator.Identity{Name: "ada"}, nil
	}
	return nil, authenticator.ErrDenied
}

func subjectOf(f attemptFunc) Subject {
	return Subject{
		New:      func(*testing.T) authenticator.Authenticator { return f },
		Good:     authenticator.Attempt{Form: map[string]string{"username": "ada", "password": "Engine-1"}},
		Identity: authenticator.Identity{Name: "ada"},
		Broken: func(*testing.T) authenticator.Authenticator {
			return attemptFunc(func(context.Context, authenticator.Attempt) (*authenticator.Identity, error) {
				return nil, authenticator.ErrUnavailable
			})
		},
	}
}

func TestSoundAuthenticatorPasses(t *testing.T) { Run(t, subjectOf(sound)) }

// Each fault must be found by the check that is there for it.
func TestFaultsAreFound(t *testing.T) {
	var calls atomic.Int64
	for name, test := range map[string]struct {
		check string
		fault attemptFunc
	}{
		"once only": {"good credentials", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			if calls.Add(1) > 1 {
				return nil, authenticator.ErrDenied
			}
			return sound(ctx, a)
		}},
		"a name that no user can have": {"through a login", func(context.Context, authenticator.Attempt) (*authenticator.Identity, error) {
			return &authenticator.Identity{Name: "a/b"}, nil
		}},
		"compares without case": {"wrong password", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			if strings.EqualFold(a.Password(), "Engine-1") {
				return &authenticator.Identity{Name: "ada"}, nil
			}
			return sound(ctx, a)
		}},
		"compares the beginning": {"wrong password", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			if strings.HasPrefix(a.Password(), "Engine-1") {
				return &authenticator.Identity{Name: "ada"}, nil
			}
			return sound(ctx, a)
		}},
		"no password needed": {"missing fields", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			if _, there := a.Form["password"]; !there {
				return &authenticator.Identity{Name: "ada"}, nil
			}
			return sound(ctx, a)
		}},
		"panics without a form": {"missing fields", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			if a.Form == nil {
				panic("no form")
			}
			return sound(ctx, a)
		}},
		"changes the form": {"missing fields", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			delete(a.Form, "password")
			return nil, authenticator.ErrDenied
		}},
		"fails at a NUL": {"hostile fields", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			if strings.Contains(a.Username(), "\x00") {
				return nil, errors.New("crypt: invalid argument")
			}
			return sound(ctx, a)
		}},
		"neither identity nor error": {"hostile fields", func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			return nil, nil
		}},
		"deaf to cancellation": {"cancelled context", func(_ context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
			return sound(context.Background(), a)
		}},
		"remembers who was right": {"concurrent use", func() attemptFunc {
			var known atomic.Bool
			return func(ctx context.Context, a authenticator.Attempt) (*authenticator.Identity, error) {
				if identity, err := sound(ctx, a); err == nil || !known.Load() {
					known.Store(err == nil)
					return identity, err
				}
				return &authenticator.Identity{Name: "ada"}, nil
			}
		}()},
		"trouble as a wrong password": {"broken backing system", func(context.Context, authenticator.Attempt) (*authenticator.Identity, error) {
			return nil, authenticator.ErrDenied
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, check := range checks {
				if check.name != test.check {
					continue
				}
				if err := check.run(t.Context(), subjectOf(test.fault), test.fault); err == nil {
					t.Errorf("the check %q did not find the fault", check.name)
				}
				return
			}
			t.Fatalf("no check %q", test.check)
		})
	}
}

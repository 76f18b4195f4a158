package authenticatortest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/google/go-cmp/cmp"
)

// patience is how long an answer may take where the contract says "promptly".
const patience = 10 * time.Second

// goodCredentials expects the same identity twice: logging in consumes nothing.
func goodCredentials(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	for range 2 {
		identity, err := try(ctx, a, s.Good)
		if err != nil {
			return fmt.Errorf("good credentials: %w", err)
		}
		identity.AuthState = nil
		if diff := cmp.Diff(s.Identity, *identity); diff != "" {
			return fmt.Errorf("identity (-want +got):\n%s", diff)
		}
	}
	return nil
}

// throughLogin expects a name that the hub can use.
func throughLogin(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	rules := authenticator.Rules{AllowAll: true}
	if s.Good.Admin {
		rules.Admins = []string{s.Good.Username()}
	}
	login, err := authenticator.New(authenticator.Options{
		Authenticators: []authenticator.Named{{Name: "subject", Authenticator: a}}, Rules: rules,
	})
	if err != nil {
		return err
	}
	decision, err := login.Login(ctx, "subject", s.Good)
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	if want := authenticator.Canonical(s.Identity.Name); decision.User != want {
		return fmt.Errorf("user %q, want %q", decision.User, want)
	}
	return nil
}

// wrongPassword tries what is nearly right. Each must be ErrDenied.
func wrongPassword(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	right := s.Good.Password()
	for _, wrong := range []string{
		"", "x", right + "x", right + "\x00", right[:len(right)-1], " " + right, right + " ",
		right + right, swapCase(right), strings.Repeat("x", len(right)),
	} {
		if wrong == right {
			continue
		}
		identity, err := try(ctx, a, with(s.Good, authenticator.FieldPassword, wrong))
		if identity != nil || !errors.Is(err, authenticator.ErrDenied) {
			return fmt.Errorf("wrong password %q: identity %v, error %v, want ErrDenied", wrong, identity, err)
		}
	}
	return nil
}

// missingFields leaves out one field after the other, and all.
func missingFields(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	attempts := []authenticator.Attempt{{}, {Form: map[string]string{}}, {Form: map[string]string{"other": "x"}}}
	for field := range s.Good.Form {
		attempt := s.Good
		attempt.Form = maps.Clone(s.Good.Form)
		delete(attempt.Form, field)
		attempts = append(attempts, attempt)
	}
	for _, attempt := range attempts {
		identity, err := try(ctx, a, attempt)
		missing := attempt.Username() == "" || !s.AnyPassword && hasPassword(s) && attempt.Password() == ""
		if identity != nil && missing && s.Good.Form != nil {
			return fmt.Errorf("fields %v were enough", fieldsOf(attempt))
		}
		if err := civil(err); err != nil {
			return err
		}
	}
	return nil
}

// hostileFields puts into each field what no person types. Whatever comes out,
// it is an identity that Login can judge, or a refusal; it is not a failure.
func hostileFields(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	for _, value := range Hostile() {
		for _, field := range []string{authenticator.FieldUsername, authenticator.FieldPassword, authenticator.FieldOTP} {
			identity, err := try(ctx, a, with(s.Good, field, value))
			if field == authenticator.FieldPassword && identity != nil && hasPassword(s) && !s.AnyPassword {
				return fmt.Errorf("password of %d bytes, %.40q, was accepted", len(value), value)
			}
			if err := civil(err); err != nil {
				return fmt.Errorf("%s %.40q: %w", field, value, err)
			}
		}
	}
	return nil
}

// Hostile returns values that an authenticator must survive in any field.
func Hostile() []string {
	return []string{
		strings.Repeat("a", 1<<20), strings.Repeat("é", 1<<16), "\x00", "ada\x00", "\xff\xfe", "ada\xc0\xaf",
		"ada\r\nX-Admin: yes", "../../etc/passwd", "..", "/", "%2e%2e%2f", "{env.SECRET}", "{{.}}", "$(id)", "`id`",
		"' OR '1'='1", "*)(uid=*))(|(uid=*", "<script>", "\u202eada", "a\u200bda", "ａｄａ", "İ", "ſ", " ", "\t", "-h", "--", "%s%n",
	}
}

// cancelledContext expects an answer without delay that is not about the person.
func cancelledContext(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	answer := make(chan error, 1)
	go func() {
		identity, err := try(ctx, a, s.Good)
		if identity != nil || errors.Is(err, authenticator.ErrDenied) || !errors.Is(err, context.Canceled) {
			err = fmt.Errorf("identity %v, error %v after cancellation, want the error of the context", identity, err)
		} else {
			err = nil
		}
		answer <- err
	}()
	select {
	case err := <-answer:
		return err
	case <-time.After(patience):
		return errors.New("no answer after cancellation")
	}
}

// concurrentUse mixes right and wrong attempts; with the race detector it finds
// state that is shared, without it answers that went to somebody else.
func concurrentUse(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	faults := make([]error, 16)
	var group sync.WaitGroup
	for i := range faults {
		group.Go(func() {
			for range 4 {
				good, err := try(ctx, a, s.Good)
				if !nobody(s) && (err != nil || good.Name != s.Identity.Name) {
					faults[i] = fmt.Errorf("right attempt beside others: identity %v, error %v", good, err)
				}
				bad, _ := try(ctx, a, with(s.Good, authenticator.FieldPassword, "wrong"))
				if bad != nil && hasPassword(s) && !s.AnyPassword {
					faults[i] = fmt.Errorf("wrong attempt beside others brought %q", bad.Name)
				}
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

// brokenSystem expects ErrUnavailable, so that the person reads a 503.
func brokenSystem(ctx context.Context, s Subject, a authenticator.Authenticator) error {
	identity, err := try(ctx, a, s.Good)
	status, _, _ := authenticator.Describe(err)
	if identity != nil || !errors.Is(err, authenticator.ErrUnavailable) || status != http.StatusServiceUnavailable {
		return fmt.Errorf("identity %v, error %v, want ErrUnavailable", identity, err)
	}
	return nil
}

// try makes one attempt and checks what holds for every one: an identity or an
// error, no panic, and an attempt that is left as it was.
func try(ctx context.Context, a authenticator.Authenticator, attempt authenticator.Attempt) (identity *authenticator.Identity, err error) {
	defer func() {
		if r := recover(); r != nil {
			identity, err = nil, fmt.Errorf("%w: panic: %v", errContract, r)
		}
	}()
	if !attempt.Remote.IsValid() {
		attempt.Remote = netip.MustParseAddr("192.0.2.1")
	}
	if attempt.User == "" && authenticator.ValidateName(authenticator.Canonical(attempt.Username())) == nil {
		attempt.User = authenticator.Canonical(attempt.Username())
	}
	form := maps.Clone(attempt.Form)
	identity, err = a.Authenticate(ctx, attempt)
	switch {
	case (identity == nil) == (err == nil):
		return nil, fmt.Errorf("%w: identity %v together with error %v", errContract, identity, err)
	case !reflect.DeepEqual(form, attempt.Form):
		return nil, fmt.Errorf("%w: the form of the attempt was changed", errContract)
	}
	return identity, err
}

var errContract = errors.New("contract broken")

// civil returns an error if err is one that bad input must not bring about.
func civil(err error) error {
	if err == nil {
		return nil
	}
	if status, _, _ := authenticator.Describe(err); errors.Is(err, errContract) || status >= http.StatusInternalServerError {
		return fmt.Errorf("bad input brought status %d: %w", status, err)
	}
	return nil
}

// with returns a copy of the attempt with another value in one field. Another
// user name is another user, and no admin.
func with(attempt authenticator.Attempt, field, value string) authenticator.Attempt {
	form := map[string]string{}
	maps.Copy(form, attempt.Form)
	form[field] = value
	attempt.Form = form
	if field == authenticator.FieldUsername {
		attempt.User, attempt.Admin = "", false
	}
	return attempt
}

func fieldsOf(attempt authenticator.Attempt) []string {
	var fields []string
	for field := range attempt.Form {
		fields = append(fields, field)
	}
	return fields
}

func swapCase(s string) string {
	if upper := strings.ToUpper(s); upper != s {
		return upper
	}
	return strings.ToLower(s)
}

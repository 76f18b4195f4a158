package authenticator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script answers with what a test wrote down.
type script struct {
	identity *Identity
	err      error
	seen     []Attempt
}

func (s *script) Authenticate(_ context.Context, attempt Attempt) (*Identity, error) {
	s.seen = append(s.seen, attempt)
	return s.identity, s.err
}

func attemptOf(user string) Attempt {
	return Attempt{
		Form:   map[string]string{FieldUsername: user, FieldPassword: "a secret"},
		Remote: netip.MustParseAddr("192.0.2.1"),
	}
}

func mustLogin(t *testing.T, o Options, authenticators ...Named) *Login {
	t.Helper()
	o.Authenticators = authenticators
	login, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return login
}

func TestDecision(t *testing.T) {
	rules := Rules{AllowAll: true, Admins: []string{"Ada"}, UsernameMap: map[string]string{"countess": "ada"}}
	state, roles := json.RawMessage(`{"t":1}`), []Role{{Name: "reader", Scopes: []string{"list:users"}}}
	for name, test := range map[string]struct {
		identity Identity
		want     Decision
	}{
		"all of it": {
			Identity{Name: "Eve", Admin: new(false), Groups: []string{"b", "a", "b"}, Roles: roles, AuthState: state, External: ExternalLogin{"s", "i"}},
			Decision{User: "eve", Admin: new(false), Groups: []string{"a", "b"}, Roles: roles, AuthState: state, External: ExternalLogin{"s", "i"}},
		},
		"nothing but a name":    {Identity{Name: "eve"}, Decision{User: "eve"}},
		"no groups":             {Identity{Name: "eve", Groups: []string{}}, Decision{User: "eve", Groups: []string{}}},
		"groups that cannot be": {Identity{Name: "eve", Groups: []string{"", "a\x00", "\xff", "/Ok Group", strings.Repeat("g", 256)}}, Decision{User: "eve", Groups: []string{"/Ok Group"}}},
		"listed admin":          {Identity{Name: "ADA"}, Decision{User: "ada", Admin: new(true)}},
		"listed admin, mapped":  {Identity{Name: "Countess"}, Decision{User: "ada", Admin: new(true)}},
		"listed, but told not":  {Identity{Name: "ada", Admin: new(false)}, Decision{User: "ada", Admin: new(false)}},
		"listed, and stays":     {Identity{Name: "ada", Admin: new(false), AdminsStay: true}, Decision{User: "ada", Admin: new(true)}},
		"stays, but not listed": {Identity{Name: "eve", Admin: new(false), AdminsStay: true}, Decision{User: "eve", Admin: new(false)}},
		"told, but not listed":  {Identity{Name: "eve", Admin: new(true)}, Decision{User: "eve", Admin: new(true)}},
	} {
		t.Run(name, func(t *testing.T) {
			login := mustLogin(t, Options{Rules: rules}, Named{"other", &script{err: ErrDenied}}, Named{"this", &script{identity: &test.identity}})
			got, err := login.Login(t.Context(), "this", attemptOf("somebody"))
			test.want.Authenticator = "this"
			if diff := cmp.Diff(&test.want, got); err != nil || diff != "" {
				t.Errorf("error %v, decision (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	own := &Error{Status: http.StatusForbidden, Message: "Your account has expired."}
	for name, test := range map[string]struct {
		script  script
		user    string
		rules   Rules
		want    error
		status  int
		message string
	}{
		"wrong password":    {script{err: ErrDenied}, "ada", Rules{AllowAll: true}, ErrDenied, 403, DeniedMessage},
		"neither":           {script{}, "ada", Rules{AllowAll: true}, ErrDenied, 403, DeniedMessage},
		"identity with err": {script{&Identity{Name: "ada"}, ErrDenied, nil}, "ada", Rules{AllowAll: true}, ErrDenied, 403, DeniedMessage},
		"invalid name":      {script{identity: &Identity{Name: "a/b"}}, "ada", Rules{AllowAll: true}, ErrInvalidName, 403, DeniedMessage},
		"empty name":        {script{identity: &Identity{}}, "ada", Rules{AllowAll: true}, ErrInvalidName, 403, DeniedMessage},
		"not allowed":       {script{identity: &Identity{Name: "ada"}}, "ada", Rules{Allow: []string{"eve"}}, ErrNotAllowed, 403, DeniedMessage},
		"no rule":           {script{identity: &Identity{Name: "ada"}}, "ada", Rules{}, ErrNotAllowed, 403, DeniedMessage},
		"blocked":           {script{identity: &Identity{Name: "ADA"}}, "ada", Rules{AllowAll: true, Blocked: []string{"ada"}}, ErrNotAllowed, 403, DeniedMessage},
		"own message":       {script{err: fmt.Errorf("ldap: %w", own)}, "ada", Rules{AllowAll: true}, own, 403, "Your account has expired."},
		"unavailable":       {script{err: fmt.Errorf("ldap: %w", ErrUnavailable)}, "ada", Rules{}, ErrUnavailable, 503, "Login is not available at the moment. Please try again."},
		"bug":               {script{err: errors.New("nil map")}, "ada", Rules{}, nil, 500, "Login failed because of an error in the hub."},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			login := mustLogin(t, Options{Rules: test.rules, Log: slog.New(slog.NewTextHandler(&log, nil))}, Named{"this", &test.script})
			decision, err := login.Login(t.Context(), "this", attemptOf(test.user))
			status, message, _ := Describe(err)
			if decision != nil || err == nil || test.want != nil && !errors.Is(err, test.want) || status != test.status || message != test.message {
				t.Errorf("decision %v, error %v shown as %d %q, want %v as %d %q", decision, err, status, message, test.want, test.status, test.message)
			}
			line := log.String()
			if strings.Count(line, "\n") != 1 || !strings.Contains(line, "user=ada") || !strings.Contains(line, "reason=") || strings.Contains(line, "a secret") {
				t.Errorf("log %q, want one line with user and reason, without the password", line)
			}
		})
	}
}

// What no form sends never reaches an authenticator, and fills no log.
func TestFieldsRefused(t *testing.T) {
	for name, form := range map[string]map[string]string{
		"huge name":       {FieldUsername: strings.Repeat("\n", 1<<20)},
		"long name":       {FieldUsername: strings.Repeat("a", 256)},
		"huge password":   {FieldUsername: "ada", FieldPassword: strings.Repeat("x", MaxFieldLength+1)},
		"huge field name": {FieldUsername: "ada", strings.Repeat("x", MaxFieldLength+1): ""},
		"NUL in name":     {FieldUsername: "ada\x00"},
		"NUL in password": {FieldUsername: "ada", FieldPassword: "x\x00y"},
		"not UTF-8":       {FieldUsername: "ada\xff"},
		"other field":     {FieldUsername: "ada", FieldOTP: "\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			this := &script{identity: &Identity{Name: "ada"}}
			login := mustLogin(t, Options{Rules: Rules{AllowAll: true}, Log: slog.New(slog.NewTextHandler(&log, nil))}, Named{"this", this})
			_, err := login.Login(t.Context(), "this", Attempt{Form: form})
			if status, _, _ := Describe(err); status != http.StatusBadRequest || len(this.seen) > 0 {
				t.Errorf("status %d, authenticator asked %d times, want 400 and never", status, len(this.seen))
			}
			if log.Len() > 2*MaxLogBytes {
				t.Errorf("log line of %d bytes", log.Len())
			}
		})
	}
}

// The authenticator learns whom the typed name stands for; the caller's form and
// the caller's claims about that are not used.
func TestAttemptAsSeen(t *testing.T) {
	this := &script{identity: &Identity{Name: "ada"}}
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true, Admins: []string{"ada"}, UsernameMap: map[string]string{"countess": "ada"}}}, Named{"this", this})
	for _, test := range []struct {
		typed, user string
		admin       bool
	}{{" Countess\t", "ada", true}, {"ADA", "ada", true}, {"Eve", "eve", false}, {"a/b", "", false}, {"", "", false}} {
		attempt := attemptOf(test.typed)
		attempt.User, attempt.Admin = "root", true
		if _, err := login.Login(t.Context(), "this", attempt); err != nil {
			t.Fatal(err)
		}
		seen := this.seen[len(this.seen)-1]
		if seen.User != test.user || seen.Admin != test.admin || seen.Username() != strings.TrimSpace(test.typed) || seen.Password() != "a secret" {
			t.Errorf("typed %q was seen as %q by %q, admin %v", test.typed, seen.Username(), seen.User, seen.Admin)
		}
		if attempt.Username() != test.typed {
			t.Errorf("the caller's form was changed to %q", attempt.Username())
		}
	}
	if _, err := login.Login(t.Context(), "this", Attempt{}); err != nil {
		t.Errorf("no form: %v", err)
	}
}

// All spellings of a name share one count, and a success clears it.
func TestLoginIsThrottled(t *testing.T) {
	now := time.Unix(1e9, 0)
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{Burst: 3, Every: time.Minute}}, Now: func() time.Time { return now }})
	this := &script{err: ErrDenied}
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true, UsernameMap: map[string]string{"countess": "ada"}}, Throttle: throttle}, Named{"this", this})
	try := func(user string) error {
		_, err := login.Login(t.Context(), "this", attemptOf(user))
		return err
	}
	for _, alias := range []string{"ada", " ADA ", "Countess"} {
		if err := try(alias); !errors.Is(err, ErrDenied) {
			t.Errorf("%q: %v, want ErrDenied", alias, err)
		}
	}
	for _, alias := range []string{"ada", "Ada", "countess"} {
		err := try(alias)
		if status, _, wait := Describe(err); status != http.StatusTooManyRequests || wait != time.Minute || !errors.Is(err, ErrThrottled) {
			t.Errorf("%q: %v, status %d, wait %v, want 429 for a minute", alias, err, status, wait)
		}
	}
	if len(this.seen) != 3 {
		t.Errorf("the authenticator was asked %d times, want 3", len(this.seen))
	}
	if err := try("eve"); !errors.Is(err, ErrDenied) {
		t.Errorf("another user: %v, want ErrDenied", err)
	}
	now = now.Add(time.Minute)
	this.identity, this.err = &Identity{Name: "ada"}, nil
	for range 5 {
		if err := try("ada"); err != nil {
			t.Errorf("right password: %v", err)
		}
	}
}

// Whoever types the name of another and proves to be himself does not clear the
// count of the other.
func TestForeignSuccessClearsNothing(t *testing.T) {
	now := time.Unix(1e9, 0)
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{Burst: 2, Every: time.Hour}}, Now: func() time.Time { return now }})
	this := &script{}
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true}, Throttle: throttle}, Named{"this", this})
	for i, want := range []error{ErrDenied, nil, ErrDenied, ErrThrottled} {
		this.identity, this.err = nil, ErrDenied
		if want == nil {
			this.identity, this.err = &Identity{Name: "mallory"}, nil
		}
		if _, err := login.Login(t.Context(), "this", attemptOf("ada")); !errors.Is(err, want) {
			t.Errorf("attempt %d: %v, want %v", i, err, want)
		}
	}
}

// What is no fault of who tries is not charged; who hangs up is.
func TestWhatIsCharged(t *testing.T) {
	for about, test := range map[string]struct {
		err     error
		charged bool
	}{
		"wrong password":         {ErrDenied, true},
		"a message of its own":   {&Error{Status: 403, Message: "expired"}, true},
		"hung up":                {context.Canceled, true},
		"directory out of reach": {ErrUnavailable, false},
		"directory too slow":     {context.DeadlineExceeded, false},
		"a fault of ours":        {errors.New("bug"), false},
	} {
		now := time.Unix(1e9, 0)
		throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{Burst: 1, Every: time.Hour}}, Now: func() time.Time { return now }})
		login := mustLogin(t, Options{Rules: Rules{AllowAll: true}, Throttle: throttle}, Named{"this", &script{err: test.err}})
		for range 2 {
			_, err := login.Login(t.Context(), "this", attemptOf("ada"))
			if err == nil {
				t.Fatal("no error")
			}
		}
		_, err := login.Login(t.Context(), "this", attemptOf("ada"))
		if errors.Is(err, ErrThrottled) != test.charged {
			t.Errorf("%s: %v, charged should be %v", about, err, test.charged)
		}
	}
}

// An authenticator that panics leaves no attempt under way for ever.
func TestPanicIsNoAttemptUnderWay(t *testing.T) {
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{User: Limit{Burst: 1, Every: time.Hour}}})
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true}, Throttle: throttle}, Named{"this", panics{}})
	for range 2 {
		func() {
			defer func() { _ = recover() }()
			_, err := login.Login(t.Context(), "this", attemptOf("ada"))
			t.Errorf("no panic, error %v", err)
		}()
	}
	if len(throttle.running) != 0 {
		t.Errorf("still under way: %v", throttle.running)
	}
}

type panics struct{}

func (panics) Authenticate(context.Context, Attempt) (*Identity, error) { panic("a bug") }

// Somebody whose name others fail with comes in from where he has been before.
func TestKnownDevice(t *testing.T) {
	now := time.Unix(1e9, 0)
	throttle := NewThrottle(ThrottleOptions{Limits: Limits{
		User: Limit{Burst: 2, Every: time.Hour}, Network: Limit{Burst: 2, Every: time.Hour}, Global: Limit{Burst: 2, Every: time.Hour},
	}, Now: func() time.Time { return now }})
	this := &script{err: ErrDenied}
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true}, Throttle: throttle}, Named{"this", this})
	known := attemptOf(" ADA ")
	known.Device = func(user string) string {
		if user == "ada" {
			return "her laptop"
		}
		return ""
	}
	other := attemptOf("eve")
	other.Device = known.Device
	try := func(attempt Attempt) error {
		_, err := login.Login(t.Context(), "this", attempt)
		return err
	}
	for range 2 {
		_ = try(attemptOf("ada"))
	}
	for about, attempt := range map[string]Attempt{"her name": attemptOf("ada"), "her device, another name": other} {
		if err := try(attempt); !errors.Is(err, ErrThrottled) {
			t.Errorf("%s: %v, want ErrThrottled", about, err)
		}
	}
	this.identity, this.err = &Identity{Name: "ada"}, nil
	if err := try(known); err != nil {
		t.Errorf("her device: %v", err)
	}
	// That clears nothing for those who guess.
	this.identity, this.err = nil, ErrDenied
	if err := try(attemptOf("ada")); !errors.Is(err, ErrThrottled) {
		t.Errorf("her name again: %v, want ErrThrottled", err)
	}
	// A device that was stolen with a cookie of hers guesses no faster.
	for _, want := range []error{ErrDenied, ErrDenied, ErrThrottled} {
		if err := try(known); !errors.Is(err, want) {
			t.Errorf("guessing with her device: %v, want %v", err, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	this := &script{}
	for name, authenticators := range map[string][]Named{
		"none": nil, "no name": {{"", this}}, "no authenticator": {{"this", nil}}, "twice": {{"this", this}, {"this", this}},
	} {
		if _, err := New(Options{Authenticators: authenticators}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(Options{Authenticators: []Named{{"this", this}}, Rules: Rules{UsernamePattern: "("}}); err == nil {
		t.Error("broken pattern: no error")
	}
}

func TestUnknownAuthenticator(t *testing.T) {
	login := mustLogin(t, Options{Rules: Rules{AllowAll: true}}, Named{"this", &script{identity: &Identity{Name: "ada"}}})
	_, err := login.Login(t.Context(), "that", attemptOf("ada"))
	if status, _, _ := Describe(err); !errors.Is(err, ErrUnknown) || status != http.StatusNotFound {
		t.Errorf("error %v, status %d, want ErrUnknown as 404", err, status)
	}
}

func TestAttemptKeepsItsSecrets(t *testing.T) {
	attempt := attemptOf("ada")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "attempt", attempt)
	for _, text := range []string{log.String(), fmt.Sprint(attempt), fmt.Sprintf("%+v", attempt)} {
		if strings.Contains(text, "a secret") || !strings.Contains(text, "ada") {
			t.Errorf("%q, want the user without the password", text)
		}
	}
}

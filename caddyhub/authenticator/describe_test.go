package authenticator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		wait   time.Duration
	}{
		"denied":                        {fmt.Errorf("x: %w", ErrDenied), 403, 0},
		"timeout":                       {fmt.Errorf("x: %w", context.DeadlineExceeded), 503, unavailableRetry},
		"browser gone":                  {context.Canceled, 503, unavailableRetry},
		"own status":                    {&Error{Status: 418, Message: "m"}, 418, 0},
		"own pause":                     {&Error{Status: 429, RetryAfter: time.Minute}, 429, time.Minute},
		"no status":                     {&Error{Message: "m"}, 403, 0},
		"a status that is none":         {&Error{Status: 200}, 403, 0},
		"trouble dressed as a refusal":  {&Error{Status: 403, Message: "m", Err: ErrUnavailable}, 503, unavailableRetry},
		"trouble beside a refusal":      {errors.Join(ErrDenied, ErrUnavailable), 503, unavailableRetry},
		"anything else is ours to mend": {errors.New("secret internals"), http.StatusInternalServerError, 0},
	} {
		status, message, wait := Describe(test.err)
		if status != test.status || wait != test.wait || strings.Contains(message, "internals") {
			t.Errorf("%s: %d %q after %v, want %d after %v", name, status, message, wait, test.status, test.wait)
		}
	}
}

func TestErrorTellsItsCauseToLogsOnly(t *testing.T) {
	err := &Error{Status: 403, Message: "Expired.", Err: errors.New("ldap: code 49")}
	if _, message, _ := Describe(err); message != "Expired." {
		t.Errorf("message %q", message)
	}
	if !strings.Contains(err.Error(), "ldap: code 49") || !strings.Contains((&Error{Message: "Expired."}).Error(), "Expired.") {
		t.Errorf("error %q", err)
	}
}

func TestPasswords(t *testing.T) {
	p, other := NewPasswords(), NewPasswords()
	for _, test := range []struct {
		a, b string
		want int
	}{{"x", "x", 1}, {"x", "y", 0}, {"x", "x\x00", 0}, {"", "", 0}, {"x", "", 0}, {"", "x", 0}} {
		if got := p.Digest(test.a).Equal(p.Digest(test.b)); got != test.want {
			t.Errorf("%q and %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
	if p.Digest("x").Equal(other.Digest("x")) != 0 {
		t.Error("two keys made the same digest")
	}
	if (Digest{}).Equal(Digest{}) != 0 {
		t.Error("no password equals no password")
	}
}

package spawner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestReasonOf(t *testing.T) {
	for _, test := range []struct {
		err  error
		want Reason
	}{
		{nil, ""},
		{errors.New("x"), ReasonError},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), ReasonTimeout},
		{fmt.Errorf("x: %w", context.Canceled), ReasonCancelled},
		{fmt.Errorf("x: %w", &Error{Reason: ReasonOptions}), ReasonOptions},
		{&Error{Err: context.DeadlineExceeded}, ReasonTimeout},
		{&Error{Reason: ReasonExited, Err: context.Canceled}, ReasonExited},
		{&Error{}, ReasonError},
	} {
		if got := ReasonOf(test.err); got != test.want {
			t.Errorf("ReasonOf(%v) is %q, want %q", test.err, got, test.want)
		}
	}
}

func TestError(t *testing.T) {
	cause := errors.New("cause")
	err := &Error{Message: "No room.", Err: cause}
	if !errors.Is(err, cause) || err.Error() != "spawner: No room.: cause" || err.HTTPStatus() != 500 {
		t.Errorf("got %q, status %d", err, err.HTTPStatus())
	}
	if err = (&Error{Message: "No.", Status: 403}); err.Error() != "spawner: No." || err.HTTPStatus() != 403 {
		t.Errorf("got %q, status %d", err, err.HTTPStatus())
	}
}

func TestSpawnID(t *testing.T) {
	first, second := NewSpawnID(), NewSpawnID()
	if first == second || !ValidSpawnID(first) || len(first) != 26 {
		t.Errorf("ids %q and %q", first, second)
	}
	for _, id := range []string{"", "short", strings.Repeat("a", 65), "abcdefgh/", "ABCDEFGH", "abcd efgh", "abcdefgh\n", "../../../a"} {
		if ValidSpawnID(id) {
			t.Errorf("ValidSpawnID(%q)", id)
		}
	}
}

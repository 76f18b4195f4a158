package audit

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// record is what an event becomes in a JSON log, without its time; nil if
// nothing was written.
func record(t *testing.T, level slog.Level, event Event) map[string]any {
	t.Helper()
	var written bytes.Buffer
	log := New(slog.New(slog.NewJSONHandler(&written, &slog.HandlerOptions{Level: level})))
	log.Record(t.Context(), event)
	if written.Len() == 0 {
		return nil
	}
	if bytes.Count(written.Bytes(), []byte("\n")) != 1 {
		t.Errorf("more than one line: %q", written.String())
	}
	var found map[string]any
	if err := json.Unmarshal(written.Bytes(), &found); err != nil {
		t.Fatal(err)
	}
	delete(found, "time")
	return found
}

// TestRecord holds the names and meanings that the package comment promises.
func TestRecord(t *testing.T) {
	for name, test := range map[string]struct {
		event Event
		want  map[string]any
	}{
		"all": {
			Event{
				Action: "server.start", Status: 201, Remote: netip.MustParseAddr("2001:db8::1"),
				Actor:   Actor{Kind: User, Name: "ada", TokenID: "a17"},
				Target:  Target{User: "bob", Server: new(string), Group: "g", Service: "s", TokenID: "a18", ClientID: "c"},
				Details: map[string]any{"admin": true, "users": []string{"x", "y"}, "expires_in": 60, "note": "n", "other": struct{}{}},
				Reason:  "asked", Took: 2 * time.Second,
			},
			map[string]any{
				"level": "INFO", "msg": "audit", "action": "server.start", "outcome": "success", "status": 201.0,
				"actor_kind": "user", "actor": "ada", "token_id": "a17", "remote": "2001:db8::1",
				"username": "bob", "servername": "", "group": "g", "service": "s", "token": "a18", "client_id": "c",
				"details": map[string]any{"admin": true, "users": []any{"x", "y"}, "expires_in": 60.0, "note": "n"},
				"reason":  "asked", "took": 2e9,
			},
		},
		"the hub itself": {
			Event{Action: "x"},
			map[string]any{"level": "INFO", "msg": "audit", "action": "x", "outcome": "success", "actor_kind": "hub"},
		},
		"a session": {
			Event{Action: "x", Actor: Actor{Kind: User, Name: "ada", SessionID: "s1"}, Outcome: Failure},
			map[string]any{
				"level": "INFO", "msg": "audit", "action": "x", "outcome": "failure",
				"actor_kind": "user", "actor": "ada", "session_id": "s1",
			},
		},
		"a line of the caller's": {
			Event{Action: "x", Target: Target{User: "a\nb\u2028\xff"}},
			map[string]any{
				"level": "INFO", "msg": "audit", "action": "x", "outcome": "success", "actor_kind": "hub", "username": "a b \ufffd",
			},
		},
	} {
		if diff := cmp.Diff(test.want, record(t, slog.LevelInfo, test.event)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestOutcome(t *testing.T) {
	for status, want := range map[int]Outcome{0: Success, 201: Success, 302: Success, 400: Refused, 404: Refused, 500: Failure, 503: Failure} {
		if got := (Event{Status: status}).Result(); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

// TestBounded: whatever a caller sends, the record stays small.
func TestBounded(t *testing.T) {
	long := strings.Repeat("ü", 1<<20)
	many := make([]string, 10_000)
	for i := range many {
		many[i] = long
	}
	event := Event{Action: "x", Actor: Actor{Name: long}, Target: Target{User: long, Server: &long}, Details: map[string]any{"users": many}}
	found := record(t, slog.LevelInfo, event)
	details := found["details"].(map[string]any)
	if names := details["users"].([]any); len(names) != MaxNames || details["users_count"] != 10_000.0 {
		t.Errorf("%d names, count %v", len(names), details["users_count"])
	}
	if name := found["username"].(string); len(name) > MaxText+len("…") || strings.ContainsRune(name, '\ufffd') {
		t.Errorf("name of %d bytes: %q", len(name), name)
	}
}

// TestRoutine: what happens all the time is there for who wants it.
func TestRoutine(t *testing.T) {
	event := Event{Action: "user.activity", Routine: true}
	if found := record(t, slog.LevelInfo, event); found != nil {
		t.Errorf("logged: %v", found)
	}
	if found := record(t, slog.LevelDebug, event); found["level"] != "DEBUG" {
		t.Errorf("got %v", found)
	}
	var none *Log
	none.Record(t.Context(), event)
}

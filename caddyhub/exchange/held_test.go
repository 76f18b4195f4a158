package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

func TestHeld(t *testing.T) {
	n := newNode(t)
	want := &Arrival{ID: "1", User: "ada", Groups: []string{}, Scopes: []string{}, Server: new("lab"), AuthState: json.RawMessage(`"` + canary + `"`)}
	handle, err := Hold(t.Context(), n.Directory, want, n.clock.Now())
	must(t, handle, err)
	got, err := Held(t.Context(), n.Directory, handle)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(diff, err)
	}
	err = n.Store().View(t.Context(), func(r store.Reader) error {
		list, err := r.List(waiting.Kind, store.Page{})
		for _, record := range list {
			if bytes.Contains(record.Value, []byte(canary)) || strings.Contains(record.Key.ID, handle) {
				t.Errorf("the store can read %s", record.Value)
			}
		}
		return err
	})
	must(t, got, err)
	if got, err := Take(t.Context(), n.Directory, handle); err != nil || got.User != "ada" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, handle := range map[string]string{"again": handle, "nothing": "", "unknown": "x", "huge": strings.Repeat("x", 1<<16)} {
		if _, err := Take(t.Context(), n.Directory, handle); !errors.Is(err, ErrUsed) {
			t.Errorf("%s: %v, want ErrUsed", name, err)
		}
	}
}

func TestHeldEnds(t *testing.T) {
	n := newNode(t)
	handle, err := Hold(t.Context(), n.Directory, &Arrival{User: "ada"}, n.clock.Now())
	must(t, handle, err)
	n.clock.Advance(HoldLifetime + time.Second)
	if _, err := Held(t.Context(), n.Directory, handle); !errors.Is(err, ErrUsed) {
		t.Errorf("%v, want ErrUsed", err)
	}
}

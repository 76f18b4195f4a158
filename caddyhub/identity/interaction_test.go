package identity

import (
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// TestInteraction: what people do with a server is written with everything else,
// moves apart from its activity, and is not there without the server.
func TestInteraction(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		f.newUser(t, "ada")
		start, other := f.clock.Now(), NewActivity(f.store, f.clock.Now)
		activity, interaction := ActivityOfServer("ada", "lab"), InteractionWithServer("ada", "lab")
		set := func(change func(w store.Writer) error) {
			t.Helper()
			if err := f.store.Update(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		flush := func() {
			t.Helper()
			if err := f.Activity().Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		set(func(w store.Writer) error { return f.Activity().Set(w, activity, start) }) // as when it starts
		if at := f.last(t, f.Activity(), interaction); !at.IsZero() {
			t.Errorf("used at %v, before anybody did", at)
		}
		f.Activity().Touch(interaction, start.Add(time.Minute))
		f.Activity().Touch(activity, start.Add(time.Hour))
		flush()
		if at := f.last(t, other, interaction); !at.Equal(start.Add(time.Minute)) {
			t.Errorf("used at %v, want a minute after the start", at)
		}
		if at := f.last(t, other, activity); !at.Equal(start.Add(time.Hour)) {
			t.Errorf("active at %v, want an hour after the start", at)
		}
		f.Activity().Touch(InteractionWithServer("ada", ""), start)
		set(func(w store.Writer) error { return f.Activity().Delete(w, activity) })
		set(func(w store.Writer) error { return f.Activity().Delete(w, interaction) })
		f.Activity().Touch(interaction, start.Add(2*time.Hour)) // by a request that was under way
		flush()
		if left := f.records(t, "activity"); len(left) != 0 {
			t.Errorf("left of servers that are not there: %q", left)
		}
	})
}

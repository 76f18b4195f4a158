package identity

import (
	"testing"
)

// A blocked user has nothing left to come in with, and is worth nothing; a user
// beside keeps everything.
func TestBlock(t *testing.T) {
	onBoth(t, func(t *testing.T, f *fixture) {
		cookies, secrets, _ := populate(t, f, "ada")
		kept, keptSecrets, _ := populate(t, f, "bob")
		for range 2 { // the second time there is nothing left to do
			if err := f.Block(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
		}
		dead(t, f, cookies, secrets)
		user, err := f.User(t.Context(), "ada")
		if err != nil || user.Admin || len(user.Groups) > 0 {
			t.Errorf("after Block: %+v, %v", user, err)
		}
		checkIndexes(t, f)
		if _, err := f.BySession(t.Context(), kept[0]); err != nil {
			t.Errorf("the session of somebody else: %v", err)
		}
		if _, err := f.ByToken(t.Context(), keptSecrets[0]); err != nil {
			t.Errorf("the token of somebody else: %v", err)
		}
		if err := f.Block(t.Context(), "nobody"); err != nil {
			t.Errorf("a user who does not exist: %v", err)
		}
	})
}

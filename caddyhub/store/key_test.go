package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestJoin(t *testing.T) {
	for _, test := range []struct {
		parts []string
		want  string
	}{
		{[]string{"alice", ""}, "alice/"},
		{[]string{"alice", "prod"}, "alice/prod"},
		{[]string{"alice/prod"}, "alice%2Fprod"},
		{[]string{"alice%2Fprod"}, "alice%252Fprod"},
		{[]string{"alice-prod", ""}, "alice-prod/"},
		{[]string{"a b", "é", "\x00\xff"}, "a%20b/%C3%A9/%00%FF"},
	} {
		if got := Join(test.parts...); got != test.want {
			t.Errorf("Join(%q) = %q, want %q", test.parts, got, test.want)
		}
	}
	if got := Under("a/b"); got != "a%2Fb/" {
		t.Errorf("Under = %q", got)
	}
}

// TestJoinIsInjective holds for any two lists of names: users whose names look
// like paths must not reach each other's records.
func TestJoinIsInjective(t *testing.T) {
	parts := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("a/%25F.-\x00")))), 1, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := parts.Draw(t, "a"), parts.Draw(t, "b")
		if same := cmp.Equal(a, b); same != (Join(a...) == Join(b...)) {
			t.Errorf("Join(%q) = %q, Join(%q) = %q", a, Join(a...), b, Join(b...))
		}
		under := strings.HasPrefix(Join(b...), Under(a...))
		if want := len(b) > len(a) && cmp.Equal(a, b[:len(a)]); under != want {
			t.Errorf("%q under %q: %v", b, a, under)
		}
		if split, err := Split(Join(a...)); err != nil || !cmp.Equal(a, split) {
			t.Errorf("Split(Join(%q)) = %q, %v", a, split, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "a", "alice/", "a%2Fb/c", "%", "%zz", "a//b", "%2f", "+"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		parts, err := Split(id)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("Split(%q): %v", id, err)
			}
			return
		}
		again, err := Split(Join(parts...))
		if err != nil || !cmp.Equal(parts, again) {
			t.Errorf("%q splits into %q, joined and split into %q, %v", id, parts, again, err)
		}
	})
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		err   error
		valid bool
	}{
		{Key{Kind: "oauth_code", ID: "x"}.Validate(), true},
		{Key{Kind: "user", ID: strings.Repeat("x", MaxKeyLength-4)}.Validate(), true},
		{Key{Kind: "user", ID: strings.Repeat("x", MaxKeyLength-3)}.Validate(), false},
		{Key{Kind: "user"}.Validate(), false},
		{Key{Kind: "", ID: "x"}.Validate(), false},
		{Key{Kind: "User", ID: "x"}.Validate(), false},
		{Key{Kind: "user:", ID: "x"}.Validate(), false},
		{Key{Kind: "us\x00er", ID: "x"}.Validate(), false},
		{Page{}.Validate(), true},
		{Page{Limit: MaxPage}.Validate(), true},
		{Page{Limit: MaxPage + 1}.Validate(), false},
		{Page{Limit: -1}.Validate(), false},
		{Page{Prefix: strings.Repeat("x", MaxKeyLength+1)}.Validate(), false},
		{Page{After: strings.Repeat("x", MaxKeyLength+1)}.Validate(), false},
	} {
		if test.valid != (test.err == nil) || test.err != nil && !errors.Is(test.err, ErrInvalid) {
			t.Errorf("valid %v, but %v", test.valid, test.err)
		}
	}
	if (Page{}).Size() != MaxPage || (Page{Limit: 3}).Size() != 3 {
		t.Error("Size is not the limit")
	}
}

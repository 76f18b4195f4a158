package identity

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// A memo never answers with another result, keeps what is in use and stays
// within its bounds.
func TestMemo(t *testing.T) {
	m := newMemo[string]()
	hot := []byte("hot")
	m.put(hot, "HOT")
	for i := range 10 * memoSize {
		argument := []byte(fmt.Sprint(i))
		if value, found := m.get(argument); found {
			t.Fatalf("%s was never put, is %s", argument, value)
		}
		m.put(argument, "="+fmt.Sprint(i))
		if value, found := m.get(argument); !found || value != "="+string(argument) {
			t.Fatalf("%s: %s", argument, value)
		}
		if value, found := m.get(hot); !found || value != "HOT" {
			t.Fatalf("what is in use is gone after %d", i)
		}
		if held := len(m.young) + len(m.old); held > 2*memoSize {
			t.Fatalf("holds %d", held)
		}
	}
	if _, found := m.get([]byte("0")); found {
		t.Error("what nobody asks for is kept")
	}
}

func TestMemoBytes(t *testing.T) {
	m := newMemo[int]()
	for i := range 100 {
		m.put([]byte(strings.Repeat("x", memoBytes/10)+fmt.Sprint(i)), i)
		held := 0
		for _, half := range []map[string]int{m.young, m.old} {
			for argument := range half {
				held += len(argument)
			}
		}
		if held > 2*memoBytes {
			t.Fatalf("holds %d bytes", held)
		}
	}
}

func TestMemoAtOnce(t *testing.T) {
	m := newMemo[int]()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 2 * memoSize {
				argument := []byte(fmt.Sprint(i))
				if value, found := m.get(argument); found && value != i {
					t.Errorf("%d is %d", i, value)
				}
				m.put(argument, i)
			}
		})
	}
	group.Wait()
}

// Different arguments are never written the same way.
func TestArguments(t *testing.T) {
	texts := rapid.SliceOfN(rapid.StringMatching("[a\x01\x00]{0,3}"), 0, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts.Draw(t, "list"), texts.Draw(t, "other list")
		x, y := rapid.StringN(0, 3, 6).Draw(t, "text"), rapid.StringN(0, 3, 6).Draw(t, "other text")
		same := x == y && fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b)
		if (string(argumentOf(a, x)) == string(argumentOf(b, y))) != same {
			t.Fatalf("%q %q and %q %q", x, a, y, b)
		}
	})
}

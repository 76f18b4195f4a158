package keyring

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

func newRing(t testing.TB, clock *storetest.Clock, keys ...Key) *Ring {
	t.Helper()
	if len(keys) == 0 {
		keys = []Key{NewKey(clock.Now())}
	}
	ring, err := New(keys, clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// What is sealed opens exactly under its purpose and additional data, with its
// key, and unchanged.
func TestSealed(t *testing.T) {
	clock := storetest.NewClock()
	ring, other := newRing(t, clock), newRing(t, clock)
	rapid.Check(t, func(t *rapid.T) {
		text, additional := rapid.SliceOf(rapid.Byte()).Draw(t, "text"), rapid.SliceOf(rapid.Byte()).Draw(t, "additional")
		sealed := ring.Seal("a", text, additional)
		if opened, err := ring.Open("a", sealed, additional); err != nil || !bytes.Equal(opened, text) {
			t.Fatalf("opened %x, %v", opened, err)
		}
		if len(text) > 8 && bytes.Contains(sealed, text) {
			t.Fatal("the text is readable")
		}
		changed := bytes.Clone(sealed)
		changed[rapid.IntRange(0, len(changed)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		short := sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")]
		for what, try := range map[string]func() ([]byte, error){
			"another purpose": func() ([]byte, error) { return ring.Open("b", sealed, additional) },
			"other data":      func() ([]byte, error) { return ring.Open("a", sealed, append([]byte("x"), additional...)) },
			"another ring":    func() ([]byte, error) { return other.Open("a", sealed, additional) },
			"a changed bit":   func() ([]byte, error) { return ring.Open("a", changed, additional) },
			"a shorter text":  func() ([]byte, error) { return ring.Open("a", short, additional) },
		} {
			if opened, err := try(); !errors.Is(err, ErrSealed) || opened != nil {
				t.Fatalf("%s: %x, %v", what, opened, err)
			}
		}
	})
}

// Two MACs are equal exactly if purpose and parts are, however the parts are cut.
func TestMACs(t *testing.T) {
	ring := newRing(t, storetest.NewClock())
	parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 2), 0, 3)
	purpose := rapid.SampledFrom([]string{"a", "b"})
	rapid.Check(t, func(t *rapid.T) {
		p1, p2, a, b := purpose.Draw(t, "purpose"), purpose.Draw(t, "other purpose"), parts.Draw(t, "parts"), parts.Draw(t, "other parts")
		same := p1 == p2 && fmt.Sprintf("%x", a) == fmt.Sprintf("%x", b) && len(a) == len(b)
		mac := ring.MAC(p1, a...)
		if bytes.Equal(mac, ring.MAC(p2, b...)) != same || ring.Verify(p2, mac, b...) != same {
			t.Fatalf("%s %x and %s %x", p1, a, p2, b)
		}
		if len(a) > 0 && ring.Signer(p1).Verify(a[0], mac) != (len(a) == 1) {
			t.Fatal("the signer disagrees")
		}
	})
}

// Keys whose ids clash are still two keys.
func TestIDsThatClash(t *testing.T) {
	clock := storetest.NewClock()
	one, two := NewKey(clock.Now()), NewKey(clock.Now().Add(-time.Hour))
	two.ID = one.ID
	older := newRing(t, clock, two)
	mac, sealed := older.MAC("p", []byte("x")), older.Seal("p", []byte("text"), nil)
	ring := newRing(t, clock, one, two)
	if bytes.Equal(ring.MAC("p", []byte("x")), mac) {
		t.Error("the two make the same MAC")
	}
	if _, err := ring.Open("p", sealed, nil); err != nil || !ring.Verify("p", mac, []byte("x")) {
		t.Errorf("the older of the two is forgotten: %v", err)
	}
	if macs := ring.MACs("p", []byte("x")); len(macs) != 2 || !bytes.Equal(macs[1], mac) {
		t.Errorf("%d MACs", len(macs))
	}
}

func TestRingsThatCannotBe(t *testing.T) {
	clock := storetest.NewClock()
	short := NewKey(clock.Now())
	short.Secret = short.Secret[:31]
	many := make([]Key, MaxKeys+1)
	for i := range many {
		many[i] = NewKey(clock.Now())
	}
	for name, test := range map[string]struct {
		keys []Key
		want error
	}{
		"none": {nil, ErrEmpty}, "too many": {many, ErrFull}, "a short one": {[]Key{short}, nil},
	} {
		ring := newRing(t, clock)
		mac := ring.MAC("p")
		err := ring.Replace(test.keys)
		if err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if !ring.Verify("p", mac) {
			t.Errorf("%s: the ring has changed", name)
		}
	}
	if _, err := newRing(t, clock, many[1:]...).Rotated(); !errors.Is(err, ErrFull) {
		t.Errorf("a full ring rotates: %v", err)
	}
}

// The key in force is the newest that has come into force; when the clock is
// behind all of them, the oldest.
func TestKeyInForce(t *testing.T) {
	clock := storetest.NewClock()
	old, newer, future := NewKey(clock.Now().Add(-time.Hour)), NewKey(clock.Now()), NewKey(clock.Now().Add(time.Minute))
	ring := newRing(t, clock, newer, future, old)
	in := func(key Key) bool { return bytes.Equal(ring.MAC("p"), newRing(t, clock, key).MAC("p")) }
	if !in(newer) {
		t.Error("not the newest in force")
	}
	clock.Advance(time.Minute)
	if !in(future) {
		t.Error("the next one is not in force when its time has come")
	}
	clock.Advance(-24 * time.Hour)
	if !in(old) {
		t.Error("not the oldest with a clock that was set back")
	}
}

func TestNothingPrintsKeys(t *testing.T) {
	clock := storetest.NewClock()
	key := NewKey(clock.Now())
	ring := newRing(t, clock, key)
	stored := Stored{Secret: key.Secret}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("", "key", key, "ring", ring, "signer", ring.Signer("p"))
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "key", key, "ring", ring, "source", stored)
	for _, verb := range []string{"%v", "%+v", "%s", "%#v"} {
		fmt.Fprintf(&log, verb, key)
		fmt.Fprintf(&log, verb, []Key{key})
		fmt.Fprintf(&log, verb, ring)
		fmt.Fprintf(&log, verb, stored)
	}
	base64, err := json.Marshal(key.Secret)
	if err != nil {
		t.Fatal(err)
	}
	bytesText := strings.Trim(fmt.Sprint(key.Secret), "[]")
	for _, secret := range []string{string(key.Secret), strings.Trim(string(base64), `"`), hex.EncodeToString(key.Secret), bytesText, bytesText[:20]} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in %q", secret, log.String())
		}
	}
}

func TestRandomToken(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		token := RandomToken(16)
		if len(token) != 22 || seen[token] {
			t.Fatalf("%q", token)
		}
		seen[token] = true
	}
}

// BenchmarkVerify is what every request pays that proves something by a MAC.
func BenchmarkVerify(b *testing.B) {
	ring, err := New([]Key{NewKey(time.Now())}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	mac := ring.MAC("benchmark", []byte("a session"), []byte("a path"))
	b.ReportAllocs()
	for b.Loop() {
		if !ring.Verify("benchmark", mac, []byte("a session"), []byte("a path")) {
			b.Fatal("does not verify")
		}
	}
}

package identity

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
)

// Whatever a cookie is, it is nobody's or exactly the one that was handed out.
func FuzzBySession(f *testing.F) {
	fixture := newFixture(f)
	fixture.newUser(f, "ada")
	cookie, session := fixture.login(f, "ada")
	id, secret, _ := strings.Cut(cookie, ".")
	for _, seed := range []string{cookie, "", ".", id + ".", "." + secret, cookie + ".", session.ID + "." + secret, cookie + "\x00", secret + "." + id} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		found, err := fixture.BySession(t.Context(), value)
		if value == cookie {
			if err != nil || found.Name() != "ada" {
				t.Fatalf("the right one: %v", err)
			}
			return
		}
		if !errors.Is(err, ErrInvalid) || found != nil {
			t.Fatalf("%q: %v, %v", value, found, err)
		}
		if id, secret, ok := splitCookie(value); ok && (id+"."+secret != value || strings.Contains(secret, ".")) {
			t.Fatalf("%q is split into %q and %q", value, id, secret)
		}
	})
}

// Whatever a token is, it opens only if this hub has signed every byte of it.
func FuzzOpenVisitorToken(f *testing.F) {
	fixture := newFixture(f)
	fixture.newUser(f, "ada")
	_, session := fixture.login(f, "ada")
	token := fixture.VisitorToken(&session, adaLab)
	body, signature, _ := strings.Cut(strings.TrimPrefix(token, VisitorPrefix), ".")
	for _, seed := range []string{token, body, signature, VisitorPrefix, token + "=", VisitorPrefix + body + ".." + signature, VisitorPrefix + "." + signature} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, sign bool) {
		if sign {
			// Signed, but not by VisitorToken: any text must be survived.
			mac := fixture.ring.MAC(purposeVisitor, []byte(text))
			signed := VisitorPrefix + text + "." + base64.RawURLEncoding.EncodeToString(mac)
			if visitor, ok := fixture.OpenVisitorToken(signed); ok && text != body {
				if _, err := fixture.ByToken(t.Context(), signed); err == nil && visitor.SessionID != session.ID {
					t.Fatalf("%q is a session", visitor.SessionID)
				}
			}
			return
		}
		if _, ok := fixture.OpenVisitorToken(text); ok != (text == token) {
			t.Fatalf("%q opens: %v", text, ok)
		}
		if found, err := fixture.ByToken(t.Context(), text); text != token && (!errors.Is(err, ErrInvalid) || found != nil) {
			t.Fatalf("%q: %v, %v", text, found, err)
		}
	})
}

// Only "a" and a number as it is usually written is an id, and numbers sort as
// their ids do.
func FuzzTokenNumber(f *testing.F) {
	for _, seed := range []string{"a1", "a0", "a01", "a+1", "a-1", "a 1", "a1 ", "A1", "a18446744073709551615", "a18446744073709551616", "a", "", "a١", "a1_0", "a0x1"} {
		f.Add(seed, "a2")
	}
	f.Fuzz(func(t *testing.T, id, other string) {
		number, ok := tokenNumber(id)
		value, err := strconv.ParseUint(strings.TrimPrefix(id, "a"), 10, 64)
		if want := err == nil && id == "a"+strconv.FormatUint(value, 10); ok != want {
			t.Fatalf("%q: %v", id, ok)
		}
		if !ok {
			return
		}
		if second, ok := tokenNumber(other); ok {
			otherValue, err := strconv.ParseUint(other[1:], 10, 64)
			if err != nil || (number < second) != (value < otherValue) {
				t.Fatalf("%s and %s sort as %s and %s", id, other, number, second)
			}
		}
	})
}

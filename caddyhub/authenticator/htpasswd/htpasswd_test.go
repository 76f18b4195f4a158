package htpasswd_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/authenticatortest"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/htpasswd"
)

const password = "Engine-1"

// byBcrypt compares, and remembers which hashes it was asked about.
type byBcrypt struct {
	mu    sync.Mutex
	asked []string
}

func (b *byBcrypt) Compare(hash, password []byte) (bool, error) {
	b.mu.Lock()
	b.asked = append(b.asked, string(hash))
	b.mu.Unlock()
	err := bcrypt.CompareHashAndPassword(hash, password)
	if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
		return false, nil
	}
	return err == nil, err
}

type byArgon2id struct{}

func (byArgon2id) Compare(hash, password []byte) (bool, error) {
	parts := strings.Split(string(hash), "$")
	var memory, passes uint32
	var threads uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &threads); err != nil {
		return false, err
	}
	salt, _ := base64.RawStdEncoding.DecodeString(parts[4])
	key, _ := base64.RawStdEncoding.DecodeString(parts[5])
	return string(argon2.IDKey(password, salt, passes, memory, threads, uint32(len(key)))) == string(key), nil
}

func bcryptOf(t testing.TB, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func argonOf(password string) string {
	salt := []byte("saltsaltsaltsalt")
	key := argon2.IDKey([]byte(password), salt, 1, 64, 1, 32)
	return "$argon2id$v=19$m=64,t=1,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(key)
}

func options(file string) htpasswd.Options {
	return htpasswd.Options{File: file, Bcrypt: new(byBcrypt), Argon2id: byArgon2id{}}
}

func write(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func must(t testing.TB, o htpasswd.Options) *htpasswd.Authenticator {
	t.Helper()
	a, err := htpasswd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func attempt(user, password string) authenticator.Attempt {
	return authenticator.Attempt{Form: map[string]string{"username": user, "password": password}}
}

func lets(t *testing.T, a *htpasswd.Authenticator, user, password string) bool {
	t.Helper()
	identity, err := a.Authenticate(t.Context(), attempt(user, password))
	if err != nil && !errors.Is(err, authenticator.ErrDenied) {
		t.Fatalf("%s: %v", user, err)
	}
	return identity != nil
}

func TestContract(t *testing.T) {
	for name, hash := range map[string]string{"bcrypt": bcryptOf(t, password), "argon2id": argonOf(password)} {
		for where, o := range map[string]htpasswd.Options{
			"file":          options(write(t, "# users", "", "eve:"+bcryptOf(t, "other"), "Ada:"+hash)),
			"configuration": {Users: []htpasswd.User{{Name: "ADA", Hash: hash}}, Bcrypt: new(byBcrypt), Argon2id: byArgon2id{}},
		} {
			t.Run(name+" in "+where, func(t *testing.T) {
				authenticatortest.Run(t, authenticatortest.Subject{
					New:      func(t *testing.T) authenticator.Authenticator { return must(t, o) },
					Good:     attempt("Ada", password),
					Identity: authenticator.Identity{Name: "ada"},
				})
			})
		}
	}
}

// What Apache's htpasswd writes.
func TestHashOfApache(t *testing.T) {
	if !lets(t, must(t, options(write(t, "ada:"+strings.Replace(bcryptOf(t, password), "$2a$", "$2y$", 1)+"\r"))), "ada", password) {
		t.Error("a bcrypt hash that begins with $2y$ was refused")
	}
}

// bcrypt looks at 72 bytes: whoever knows those of a longer password does not know it.
func TestLongPasswords(t *testing.T) {
	long := strings.Repeat("p", 72)
	a := must(t, options(write(t, "ada:"+bcryptOf(t, long), "eve:"+argonOf(long+"x"))))
	if !lets(t, a, "ada", long) || lets(t, a, "ada", long+"x") {
		t.Error("bcrypt: only the password itself must do")
	}
	if lets(t, a, "eve", long) || !lets(t, a, "eve", long+"x") {
		t.Error("argon2id: only the password itself must do")
	}
}

// Time must not tell who is there: one name costs one comparison, with a hash that
// stands in the file, and an unknown name always with the same.
func TestUnknownUsersCostTheSame(t *testing.T) {
	hashes := map[string]bool{}
	var lines []string
	for i := range 8 {
		hash := bcryptOf(t, "password of "+strconv.Itoa(i))
		hashes[hash] = true
		lines = append(lines, fmt.Sprintf("user%d:%s", i, hash))
	}
	o, compared := options(write(t, lines...)), new(byBcrypt)
	o.Bcrypt = compared
	a := must(t, o)
	chosen := map[string]bool{}
	for _, name := range []string{"user0", "user7", "nobody", "somebody", "a/b", "who", "else", "x", "y", "z"} {
		for range 2 {
			compared.asked = nil
			if lets(t, a, name, "wrong") {
				t.Fatalf("%s got in", name)
			}
			if len(compared.asked) != 1 || !hashes[compared.asked[0]] {
				t.Fatalf("%s: compared with %q, want one hash of the file", name, compared.asked)
			}
			chosen[name+" "+compared.asked[0]] = true
		}
	}
	if len(chosen) != 10 {
		t.Errorf("a name was compared with several hashes: %d for 10 names", len(chosen))
	}
	// The password of the one whose hash stands in opens nothing.
	for i := range 8 {
		for _, name := range []string{"nobody", "who", "else", "x", "y", "z"} {
			if lets(t, a, name, "password of "+strconv.Itoa(i)) {
				t.Fatalf("%s got in with the password of user%d", name, i)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good := bcryptOf(t, password)
	argon := func(rest string) string { return "ada:$argon2id$v=19$" + rest }
	const salt, key = "c2FsdHNhbHRzYWx0c2FsdA", "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE"
	for line, want := range map[string]string{
		"ada:$apr1$x$y":                               "Apache's MD5 is refused",
		"ada:$1$x$y":                                  "MD5-crypt is refused",
		"ada:{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=":       "SHA-1 is refused",
		"ada:rqXexS6ZhobKA":                           "a plain password or crypt is refused",
		"ada:Engine-1":                                "a plain password or crypt is refused",
		"ada:$6$salt$hash":                            "the kind of hash is not known",
		"ada:$2x$" + good[4:]:                         "faulty variant of bcrypt",
		"ada:$2y$04$short":                            "not complete",
		"ada:" + strings.Replace(good, "04", "31", 1): "the cost of the bcrypt hash is 31",
		"ada:":                                                "the hash is empty",
		"ada":                                                 "no colon",
		":" + good:                                            "it is empty",
		"a/b:" + good:                                         "it contains a slash",
		"ada:" + good + "\nADA:" + good:                       `"ada" is given twice`,
		strings.Repeat("x", 5000) + ":":                       "longer than 4096 bytes",
		"ada:$argon2i$v=19$m=64,t=1,p=1$x$y":                  "only argon2id",
		argon("m=64,t=1,p=1$" + salt):                         "not complete",
		argon("m=64,t=1,p=1$" + salt + "$"):                   "a key of less than 16 bytes",
		argon("m=64,t=1,p=1$$" + key):                         "a salt of less than 8",
		argon("m=64,t=0,p=1$" + salt + "$" + key):             "t=0",
		argon("m=64,t=1,p=0$" + salt + "$" + key):             "p=0",
		argon("m=4294967295,t=1,p=1$" + salt + "$" + key):     "m=4294967295",
		argon("t=1,m=64,p=1$" + salt + "$" + key):             "no m, t and p",
		"ada:$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key: "version 19",
	} {
		_, err := htpasswd.New(options(write(t, "# first line", line)))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%.60q: error %v, want one with a line and %q", line, err, want)
			continue
		}
		if _, hash, _ := strings.Cut(line, ":"); len(hash) > 7 && strings.Contains(err.Error(), hash) {
			t.Errorf("%.60q: the error tells the hash: %v", line, err)
		}
	}
	for want, o := range map[string]htpasswd.Options{
		"nobody could log in": {Bcrypt: new(byBcrypt), Argon2id: byArgon2id{}},
		"nothing compares":    {File: "x"},
		"no such file":        options(filepath.Join(t.TempDir(), "missing")),
		"is no file":          options(t.TempDir()),
		"is bigger than":      options(write(t, strings.Repeat("#\n", 3<<20))),
		"configuration: user": {Users: []htpasswd.User{{Name: "ada", Hash: "plain"}}, Bcrypt: new(byBcrypt), Argon2id: byArgon2id{}},
	} {
		if _, err := htpasswd.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A comparer of the caller makes other kinds acceptable, but not the weak ones.
func TestOtherKinds(t *testing.T) {
	o := options(write(t, "ada:$7$salt$Engine-1"))
	o.Other = endsWith{}
	if a := must(t, o); !lets(t, a, "ada", password) || lets(t, a, "ada", "Engine") {
		t.Error("the comparer for other hashes was not asked")
	}
	o.File = write(t, "ada:$1$salt$Engine-1")
	if _, err := htpasswd.New(o); err == nil {
		t.Error("a weak hash was accepted")
	}
}

type endsWith struct{}

func (endsWith) Compare(hash, password []byte) (bool, error) {
	return strings.HasSuffix(string(hash), "$"+string(password)), nil
}

// log counts lines.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(line))
	return len(line), nil
}

func TestFileIsReadAgain(t *testing.T) {
	path := write(t, "ada:"+argonOf("one"))
	heard := new(log)
	o := options(path)
	o.Log = slog.New(slog.NewTextHandler(heard, nil))
	a := must(t, o)
	in := func(user, password string) {
		t.Helper()
		if !lets(t, a, user, password) {
			t.Errorf("%s does not get in with %q", user, password)
		}
	}
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in("ada", "one")
	put("ada:" + argonOf("two")) // in place, same length
	in("ada", "two")
	if lets(t, a, "ada", "one") {
		t.Error("the old password still does")
	}
	old := time.Now().Add(-time.Hour)
	if err := os.WriteFile(path+".new", []byte("eve:"+argonOf("one")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".new"} { // alike but for their content
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	in("ada", "two")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	in("eve", "one")
	if lets(t, a, "ada", "two") {
		t.Error("a user is there who is not in the file any more")
	}
	for want, spoil := range map[string]func(){
		"no colon":     func() { put("half a li") },
		"bigger than":  func() { put(strings.Repeat("#\n", 3<<20)) },
		"no such file": func() { _ = os.Remove(path) },
	} {
		heard.lines = nil
		spoil()
		in("eve", "one")
		in("eve", "one")
		if len(heard.lines) != 1 || !strings.Contains(heard.lines[0], want) {
			t.Errorf("log %q, want one line with %q", heard.lines, want)
		}
	}
	put("ada:" + argonOf("three"))
	in("ada", "three")
}

func TestRefresh(t *testing.T) {
	path := write(t, "ada:"+argonOf("one"), "eve:"+argonOf("one"))
	a := must(t, options(path))
	identity, err := a.Authenticate(t.Context(), attempt("Ada", "one"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		file string
		want authenticator.Outcome
	}{
		{"ada:" + argonOf("one") + "\neve:" + argonOf("two"), authenticator.Fresh},
		{"ada:" + argonOf("two"), authenticator.LoginAgain},
		{"eve:" + argonOf("one"), authenticator.LoginAgain},
		{"broken", authenticator.LoginAgain}, // as before
		{"ADA:" + argonOf("one"), authenticator.Fresh},
	} {
		if err := os.WriteFile(path, []byte(step.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := a.Refresh(t.Context(), "someone-else-by-map", identity.AuthState, nil)
		if err != nil || got.Outcome != step.want {
			t.Errorf("with %.40q: outcome %v, error %v, want %v", step.file, got.Outcome, err, step.want)
		}
	}
	if got, err := a.Refresh(t.Context(), "ada", nil, nil); err != nil || got.Outcome != authenticator.LoginAgain {
		t.Errorf("without state: %v, %v", got, err)
	}
	if strings.Contains(string(identity.AuthState), "argon2id") {
		t.Error("the state has the hash in it")
	}
}

func TestWarnings(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"ada:" + bcryptOf(t, password), "1 users have a cost below 10"},
		{"# nobody", "no users yet"},
		{"ada:" + argonOf(password), ""},
	} {
		got := strings.Join(must(t, options(write(t, test.line))).Warnings(authenticator.Rules{}), "|")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%.20q: warnings %q, want %q", test.line, got, test.want)
		}
	}
}

// FuzzFile reads any file without a panic, and what it takes can be compared.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"ada:" + argonOf(password), "ada:$2y$04$", "# x\n\n:\n", "\ufeffada:$argon2id$v=19$m=64,t=1,p=1$$"} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "users")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := options(path)
		o.Other = endsWith{}
		a, err := htpasswd.New(o)
		if err != nil {
			return
		}
		if identity, err := a.Authenticate(t.Context(), attempt("ada", "no password of any seed")); identity != nil && !strings.Contains(text, "no password") {
			t.Errorf("%q: identity %v, error %v", text, identity, err)
		}
	})
}

package htpasswd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// maxLine bounds one line of a file, in bytes: the longest name and a long hash.
const maxLine = 4096

// entry is one user.
type entry struct {
	name string // canonical
	hash string
	kind kind
	by   Comparer
}

// compare checks a password against the entry. bcrypt sees only the first 72
// bytes of a password, so a longer one is compared and refused all the same.
func (e *entry) compare(password string) (bool, error) {
	right, err := e.by.Compare([]byte(e.hash), []byte(password))
	if err != nil {
		return false, fmt.Errorf("htpasswd: the hash of %s cannot be compared: %w", authenticator.ForLog(e.name), err)
	}
	return right && (e.kind != bcrypt || len(password) <= maxBcryptPassword), nil
}

// table is every user at one time. It does not change.
type table struct {
	entries []*entry
	byName  map[string]*entry
}

func newTable(users int) *table { return &table{byName: make(map[string]*entry, users)} }

// entry returns the user of a canonical name.
func (t *table) entry(name string) (*entry, bool) {
	found, known := t.byName[name]
	return found, known
}

// add puts a user into the table. The error does not repeat the hash.
func (t *table) add(raw, hash string, by comparers) error {
	name := authenticator.Canonical(raw)
	if err := authenticator.ValidateName(name); err != nil {
		return fmt.Errorf("user %q: %w", authenticator.ForLog(raw), err)
	}
	if _, there := t.byName[name]; there {
		return fmt.Errorf("user %q is given twice; names that differ by case alone are one user", authenticator.ForLog(name))
	}
	of, err := kindOf(hash)
	if err != nil {
		return fmt.Errorf("user %q: %w", authenticator.ForLog(name), err)
	}
	added := &entry{name: name, hash: hash, kind: of, by: by[of]}
	if added.by == nil {
		return fmt.Errorf("user %q: the kind of hash is not known; known are bcrypt ($2y$) and argon2id ($argon2id$)", authenticator.ForLog(name))
	}
	t.byName[name] = added
	t.entries = append(t.entries, added)
	return nil
}

// parse reads the text of a file into the table.
func (t *table) parse(text string, by comparers) error {
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := t.parseLine(line, by); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return nil
}

func (t *table) parseLine(line string, by comparers) error {
	if len(line) > maxLine {
		return fmt.Errorf("longer than %d bytes", maxLine)
	}
	name, hash, found := strings.Cut(line, ":")
	if !found {
		return errors.New("no colon; a line is NAME:HASH")
	}
	return t.add(name, strings.TrimSpace(hash), by)
}

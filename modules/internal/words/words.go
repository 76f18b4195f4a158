// Package words reads the words of our blocks in a Caddyfile, all in the same
// way: an unknown word is an error that names the nearest known one, a word
// given twice is an error unless it may be, a duration has a unit. Every error
// carries file and line and says what to write instead.
package words

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Word is how one word of a block is read. Parse is called with the dispenser
// on the word itself.
type Word struct {
	Parse func(d *caddyfile.Dispenser) error
	// Many says that the word may be given more than once.
	Many bool
}

// Once is a word that may be given once.
func Once(parse func(d *caddyfile.Dispenser) error) Word { return Word{Parse: parse} }

// Many is a word that may be given several times.
func Many(parse func(d *caddyfile.Dispenser) error) Word { return Word{Parse: parse, Many: true} }

// Block reads the block that follows, in which these words may stand. What
// names the thing configured, for errors: "session".
func Block(d *caddyfile.Dispenser, what string, known map[string]Word) error {
	return BlockOr(d, what, known, nil)
}

// BlockOr is Block with a function for all words that are not known; nil
// refuses them.
func BlockOr(d *caddyfile.Dispenser, what string, known map[string]Word, other func(d *caddyfile.Dispenser) error) error {
	seen := make(map[string]bool)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		name := d.Val()
		word, ok := known[name]
		switch {
		case ok && seen[name] && !word.Many:
			return d.Errf("%s: %q is given twice", what, name)
		case ok:
			seen[name] = true
			if err := word.Parse(d); err != nil {
				return err
			}
		case other != nil:
			if err := other(d); err != nil {
				return err
			}
		default:
			return Unknown(d, what, known)
		}
	}
	return nil
}

// Unknown is the error for the word that the dispenser is on.
func Unknown(d *caddyfile.Dispenser, what string, known map[string]Word) error {
	return unknown(d, what, slices.Sorted(maps.Keys(known)))
}

func unknown(d *caddyfile.Dispenser, what string, known []string) error {
	return d.WrapErr(&UnknownError{what: what, token: d.Token(), known: known})
}

// UnknownError is the error for a word that stands where it is not known.
type UnknownError struct {
	what  string
	token caddyfile.Token
	known []string
}

// Error names the word, and the nearest known one or all of them.
func (e *UnknownError) Error() string {
	if len(e.known) == 0 {
		return fmt.Sprintf("%s: unknown word %q; it takes no options", e.what, e.token.Text)
	}
	if near := Nearest(e.token.Text, e.known); near != "" {
		return fmt.Sprintf("%s: unknown word %q; did you mean %q?", e.what, e.token.Text, near)
	}
	return fmt.Sprintf("%s: unknown word %q; known are: %s", e.what, e.token.Text, strings.Join(e.known, ", "))
}

// Also adds words to those that an UnknownError inside of err knows of: some
// words of a block are read by one reader and the others by another.
func Also(err error, more map[string]Word) error {
	var found *UnknownError
	if !errors.As(err, &found) {
		return err
	}
	d := caddyfile.NewDispenser([]caddyfile.Token{found.token})
	d.Next()
	known := slices.Concat(found.known, slices.Collect(maps.Keys(more)))
	slices.Sort(known)
	return unknown(d, found.what, known)
}

// Module reads a module or a directive that takes no arguments and this block. The
// dispenser stands before its name, as in caddyfile.Unmarshaler.
func Module(d *caddyfile.Dispenser, what string, known map[string]Word) error {
	d.Next() // the name
	if d.CountRemainingArgs() > 0 {
		if len(known) == 0 {
			return d.Errf("%s takes no value", what)
		}
		return d.Errf("%s takes no value on its line; its options stand in a block: %s", what, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	return Block(d, what, known)
}

// Text reads exactly one argument.
func Text(d *caddyfile.Dispenser) (string, error) {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return "", d.Errf("%s takes one value, not %d", word, len(args))
	}
	return args[0], nil
}

// Texts reads one or more arguments.
func Texts(d *caddyfile.Dispenser) ([]string, error) {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) == 0 {
		return nil, d.Errf("%s takes one or more values", word)
	}
	return args, nil
}

// None refuses arguments.
func None(d *caddyfile.Dispenser) error {
	word := d.Val()
	if args := d.RemainingArgs(); len(args) > 0 {
		return d.Errf("%s takes no value", word)
	}
	return nil
}

// ToText is a word whose one argument goes into a field.
func ToText(field *string) Word {
	return Once(func(d *caddyfile.Dispenser) (err error) {
		*field, err = Text(d)
		return err
	})
}

// ToTexts is a word whose arguments are appended to a field; it may be repeated.
func ToTexts(field *[]string) Word {
	return Many(func(d *caddyfile.Dispenser) error {
		texts, err := Texts(d)
		*field = append(*field, texts...)
		return err
	})
}

// ToTrue is a word without arguments that sets a field.
func ToTrue(field *bool) Word {
	return Once(func(d *caddyfile.Dispenser) error {
		*field = true
		return None(d)
	})
}

// ToSwitch is a word whose one argument, "on" or "off", sets a field.
func ToSwitch(field **bool) Word {
	return Once(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		text, err := Text(d)
		if err != nil {
			return err
		}
		if text != "on" && text != "off" {
			return d.Errf("%s takes \"on\" or \"off\", not %q", word, text)
		}
		*field = new(text == "on")
		return nil
	})
}

// Nearest is the known name that a misspelt one most likely meant, or "".
func Nearest(word string, known []string) string {
	best, least := "", len(word)/2+1
	for _, name := range known {
		if n := distance(word, name); n < least {
			best, least = name, n
		}
	}
	return best
}

// distance counts the letters to insert, delete or replace, and the neighbours to
// swap (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) {
		rows[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			cost := rows[i][j]
			if a[i] != b[j] {
				cost = min(cost, rows[i][j+1], rows[i+1][j]) + 1
			}
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				cost = min(cost, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = cost
		}
	}
	return rows[len(a)][len(b)]
}

package words

import (
	"fmt"
	"regexp"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// moduleName is what fits a path without escapes, and no template of a page.
var moduleName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// CheckModuleName says whether several modules of one kind can be told apart by a
// name; empty is none.
func CheckModuleName(name string) error {
	if name != "" && !moduleName.MatchString(name) {
		return fmt.Errorf("the name %q does not fit into addresses: it takes up to 32 lower-case letters, digits, \"_\" and \"-\", and begins with a letter", name)
	}
	return nil
}

// NamedModule is Module for one that may have a name of its own on its line, so that
// there can be several. Words of JupyterHub are told what to write instead.
func NamedModule(d *caddyfile.Dispenser, what string, name *string, known map[string]Word, instead map[string]string) error {
	d.Next() // the kind
	switch args := d.RemainingArgs(); {
	case len(args) > 1:
		return d.Errf("%s takes at most one name on its line, not %d", what, len(args))
	case len(args) == 1:
		*name = args[0]
	}
	if err := CheckModuleName(*name); err != nil {
		return d.Errf("%s: %w", what, err)
	}
	return BlockOr(d, what, known, func(d *caddyfile.Dispenser) error { return Renamed(d, what, known, instead) })
}

// Renamed is Unknown for words of which some are JupyterHub's: instead says what to
// write for them.
func Renamed(d *caddyfile.Dispenser, what string, known map[string]Word, instead map[string]string) error {
	if text, found := instead[d.Val()]; found {
		return d.WrapErr(fmt.Errorf("%s: for JupyterHub's %s write %s", what, d.Val(), text))
	}
	return Unknown(d, what, known)
}

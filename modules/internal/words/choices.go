package words

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// ToChoice is a word whose one argument is one of these.
func ToChoice[T ~string](field *T, choices ...string) Word {
	return Once(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		text, err := Text(d)
		if err != nil {
			return err
		}
		for _, choice := range choices {
			if text == choice {
				*field = T(text)
				return nil
			}
		}
		return d.Errf("%s takes %s, not %q", word, strings.Join(quoted(choices), " or "), text)
	})
}

func quoted(texts []string) []string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = `"` + text + `"`
	}
	return list
}

// ToPairs is a word with a name and a value, which may be repeated with other names.
func ToPairs(field *map[string]string) Word {
	return Many(func(d *caddyfile.Dispenser) error { return Pair(d, "a name and a value", field, Plain) })
}

// ToLists is a word with a name and one or more values, which may be repeated with
// other names.
func ToLists(field *map[string][]string) Word {
	return Many(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		args := d.RemainingArgs()
		if len(args) < 2 {
			return d.Errf("%s takes a name and one or more values", word)
		}
		if _, given := (*field)[args[0]]; given {
			return d.Errf("%s %q is given twice", word, args[0])
		}
		if *field == nil {
			*field = make(map[string][]string)
		}
		(*field)[args[0]] = args[1:]
		return nil
	})
}

package scope

import "slices"

// builder collects scopes in any order and reduces them to a Set.
type builder map[string]Filters

// add puts the same filter, which is no placeholder, on each of the names.
func (b builder) add(filter Filter, names ...string) {
	if filter.IsZero() {
		for _, name := range names {
			b[name] = Filters{all: true}
		}
		return
	}
	// The names share this list. A second value makes append copy it, because
	// it is full.
	one := []string{filter.Value}
	i := filter.Kind - 1
	for _, name := range names {
		f := b[name]
		if f.all {
			continue
		}
		if f.values[i] == nil {
			f.values[i] = one
		} else {
			f.values[i] = append(f.values[i], filter.Value)
		}
		b[name] = f
	}
}

// set returns what was added. The builder must not be used afterwards.
func (b builder) set() Set {
	for name, f := range b {
		changed := false
		for i, values := range f.values {
			if len(values) > 1 {
				slices.Sort(values)
				f.values[i] = slices.Compact(values)
				changed = true
			}
		}
		if changed {
			b[name] = f
		}
	}
	return Set{b}
}

package scope

import (
	"fmt"
	"maps"
	"slices"
)

// Set is an immutable set of expanded scopes: it has no placeholders, subscopes
// stand beside the scopes that imply them, and an unfiltered scope has replaced
// the filtered ones of its name. The zero Set is empty and ready to use.
type Set struct {
	// scopes never holds empty Filters.
	scopes map[string]Filters
}

// NewSet makes a set of texts that are expanded already, such as the scopes in
// the answer of a hub. Nothing is added to them and their names need not be
// defined. Errors wrap ErrSyntax; a placeholder is one.
func NewSet(texts ...string) (Set, error) {
	b := make(builder)
	for _, text := range texts {
		s, err := Parse(text)
		if err != nil {
			return Set{}, err
		}
		if s.Filter.Placeholder() {
			return Set{}, fmt.Errorf("%w: %q is not expanded", ErrSyntax, text)
		}
		b.add(s.Filter, s.Name)
	}
	return b.set(), nil
}

// Filters returns where the set holds a scope, for lists that show only what
// may be seen. It reports false if the set does not hold the scope at all.
func (s Set) Filters(name string) (Filters, bool) {
	f, ok := s.scopes[name]
	return f, ok
}

// Contains reports whether one of Strings is that very text. It is for looking
// at a set; whether something is permitted, Check says.
func (s Set) Contains(text string) bool {
	parsed, err := Parse(text)
	if err != nil {
		return false
	}
	f, ok := s.scopes[parsed.Name]
	switch {
	case !ok || parsed.Filter.Placeholder():
		return false
	case parsed.Filter.IsZero():
		return f.all
	}
	return has(f.of(parsed.Filter.Kind), parsed.Filter.Value)
}

// Len returns the number of scopes, that is of Strings.
func (s Set) Len() int {
	n := 0
	for _, f := range s.scopes {
		if f.all {
			n++
		}
		for _, values := range f.values {
			n += len(values)
		}
	}
	return n
}

// Names returns the names of the scopes without filters, sorted.
func (s Set) Names() []string { return slices.Sorted(maps.Keys(s.scopes)) }

// Strings returns the scopes as texts, sorted. It is never nil, so that it
// becomes a list in JSON.
func (s Set) Strings() []string {
	texts := make([]string, 0, s.Len())
	for name, f := range s.scopes {
		texts = f.appendTexts(texts, name)
	}
	slices.Sort(texts)
	return texts
}

// Union returns the set of what either set holds.
func (s Set) Union(other Set) Set {
	if len(other.scopes) == 0 {
		return s
	}
	if len(s.scopes) == 0 {
		return other
	}
	merged := maps.Clone(s.scopes)
	for name, f := range other.scopes {
		merged[name] = merged[name].union(f)
	}
	return Set{merged}
}

// Equal reports whether both sets hold the same scopes.
func (s Set) Equal(other Set) bool {
	return maps.EqualFunc(s.scopes, other.scopes, Filters.equal)
}

// without returns the scopes of s whose text is not in other.
func (s Set) without(other Set) Set {
	rest := make(map[string]Filters)
	for name, f := range s.scopes {
		taken := other.scopes[name]
		if f.all && !taken.all {
			rest[name] = f
			continue
		}
		var left Filters
		for i, values := range f.values {
			for _, value := range values {
				if !has(taken.values[i], value) {
					left.values[i] = append(left.values[i], value)
				}
			}
		}
		if !left.empty() {
			rest[name] = left
		}
	}
	return Set{rest}
}

func (f Filters) appendTexts(texts []string, name string) []string {
	if f.all {
		return append(texts, name)
	}
	for i, values := range f.values {
		for _, value := range values {
			texts = append(texts, name+"!"+Kind(i+1).String()+"="+value)
		}
	}
	return texts
}

func (f Filters) union(other Filters) Filters {
	if f.all || other.all {
		return Filters{all: true}
	}
	for i := range f.values {
		f.values[i] = merge(f.values[i], other.values[i])
	}
	return f
}

// merge returns the sorted union of two sorted lists, and one of the two itself
// where nothing has to be added.
func merge(a, b []string) []string {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	if len(a) == 0 {
		return b
	}
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

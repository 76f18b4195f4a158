package scope

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// generator makes random questions about testWorld.
type generator struct {
	*rand.Rand
	d *Definitions
}

func (g generator) caseSpec() caseSpec {
	// Few names per case, or the two sides would hardly ever meet.
	names := make([]string, 1+g.IntN(5))
	for i := range names {
		names[i] = pick(g, g.d.All())
	}
	c := caseSpec{Scopes: g.scopes(names), Held: g.scopes(names)}
	if g.IntN(3) == 0 {
		c.Held = append(c.Held, Self)
	}
	switch g.IntN(4) {
	case 0:
		c.Owner.Service = pick(g, testWorld.Services)
	case 1, 2:
		c.Owner.User = pick(g, testWorld.Users)
	}
	switch g.IntN(3) {
	case 0:
		c.Client = "server " + g.value(KindServer)
	case 1:
		c.Client = "service " + pick(g, testWorld.Services)
	}
	for range 6 {
		c.Checks = append(c.Checks, g.check(names))
	}
	return c
}

func (g generator) scopes(names []string) []string {
	texts := make([]string, g.IntN(8))
	for i := range texts {
		texts[i] = Scope{Name: pick(g, names), Filter: g.filter()}.String()
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func (g generator) filter() Filter {
	kind := Kind(g.IntN(kinds + 1))
	switch {
	case kind == KindNone:
		return Filter{}
	case kind != KindGroup && g.IntN(4) == 0:
		return Filter{Kind: kind}
	}
	return Filter{Kind: kind, Value: g.value(kind)}
}

// value names something that exists.
func (g generator) value(kind Kind) string {
	switch kind {
	case KindUser:
		return pick(g, testWorld.Users)
	case KindGroup:
		return pick(g, slices.Sorted(maps.Keys(testWorld.Groups)))
	case KindService:
		return pick(g, testWorld.Services)
	}
	server := pick(g, testWorld.Servers)
	return server[0] + "/" + server[1]
}

// check asks for a scope that the case may hold, or one of its subscopes.
func (g generator) check(names []string) checkSpec {
	var c checkSpec
	for range 1 + g.IntN(2) {
		c.Scopes = append(c.Scopes, pick(g, g.d.Includes(pick(g, names))))
	}
	kind := Kind(g.IntN(kinds + 1))
	c.Kind = kind.String()
	switch kind {
	case KindNone:
	case KindServer:
		c.User, c.Name, _ = strings.Cut(g.value(kind), "/")
	default:
		c.Name = g.value(kind)
	}
	return c
}

// text makes a scope and, more often than not, breaks it.
func (g generator) text() string {
	text := []rune(Scope{Name: pick(g, g.d.All()), Filter: g.filter()}.String())
	for range g.IntN(3) {
		i := g.IntN(len(text))
		switch g.IntN(3) {
		case 0:
			text = slices.Delete(text, i, i+1)
		case 1:
			text = slices.Insert(text, i, pick(g, []rune("!=/: x\x00")))
		case 2:
			text = text[:i]
		}
		if len(text) == 0 {
			break
		}
	}
	return string(text)
}

func pick[T any](g generator, from []T) T { return from[g.IntN(len(from))] }

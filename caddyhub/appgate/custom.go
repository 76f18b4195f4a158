package appgate

import (
	"strings"
	"sync"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// customPrefix begins scopes that the hub only keeps for those who interpret them.
const customPrefix = "custom:"

// maxCustom bounds what is remembered of custom scopes; beyond it everything is
// forgotten, and found again by the next requests.
const maxCustom = 4096

// custom remembers the custom scopes of identities, which are the same for as long
// as the credential is worth the same.
type custom struct {
	mu    sync.RWMutex
	known map[*identity.Identity][]string
}

// of are the custom scopes of somebody, in alphabetical order. The list must not be
// changed.
func (c *custom) of(who *identity.Identity) []string {
	c.mu.RLock()
	found, known := c.known[who]
	c.mu.RUnlock()
	if known {
		return found
	}
	for _, text := range who.Scopes.Strings() {
		if strings.HasPrefix(text, customPrefix) {
			found = append(found, text)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCustom {
		c.known = make(map[*identity.Identity][]string)
	}
	c.known[who] = found
	return found
}

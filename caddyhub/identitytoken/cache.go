package identitytoken

import (
	"sync"
	"time"
)

// cacheSize is how many tokens are kept in one half of the cache. No more than
// twice as many are ever held.
const cacheSize = 4096

// cached is a token, and until when it is handed out again.
type cached struct {
	token string
	until time.Time
}

// cache keeps tokens by what they say. When the young half is full it becomes the
// old one, and what was old is dropped.
type cache struct {
	mu         sync.RWMutex
	young, old map[string]cached
}

func (c *cache) get(argument []byte, now time.Time) (token string, known bool) {
	c.mu.RLock()
	found, known := c.young[string(argument)]
	if !known {
		found, known = c.old[string(argument)]
	}
	c.mu.RUnlock()
	return found.token, known && now.Before(found.until)
}

func (c *cache) put(argument []byte, made cached) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= cacheSize {
		c.old, c.young = c.young, make(map[string]cached)
	}
	c.young[string(argument)] = made
}

package api

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// answers are buffers for answers that are put together here.
var answers = sync.Pool{New: func() any { return new([]byte) }}

// maxKept is the longest buffer that is kept for the next answer.
const maxKept = 1 << 20

// fromMemory answers with what render appends, if the list of users in memory
// can tell; answered is false if the store has to be asked. render returns nil
// where it cannot tell.
func (c *call) fromMemory(render func(to []byte, list userlist.Reading) ([]byte, error)) (answered bool, err error) {
	buffer, _ := answers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= maxKept {
			answers.Put(buffer)
		}
	}()
	var data []byte
	read := c.options.Users.Read(c.r.Context(), func(list userlist.Reading) {
		data, err = render((*buffer)[:0], list)
	})
	if !read || err != nil || data == nil {
		return false, err
	}
	if c.groups.err != nil {
		return false, c.groups.err
	}
	*buffer = data
	c.write(http.StatusOK, data)
	return true, nil
}

// listFromMemory answers GET /users.
func (c *call) listFromMemory(query userlist.Query, p page) (answered bool, err error) {
	return c.fromMemory(func(to []byte, list userlist.Reading) ([]byte, error) {
		entries, total := list.Select(query)
		s := c.sight(list)
		if p.wrapped {
			head, err := json.Marshal(c.aboutPage(p, total))
			if err != nil {
				return nil, err
			}
			to = append(append(append(to, `{"_pagination":`...), head...), `,"items":`...)
		}
		to = append(to, '[')
		empty := len(to)
		for _, e := range entries {
			seen := s.of(e)
			if seen == 0 {
				continue
			}
			if to, err = s.appendUser(to, e, seen, nil); err != nil {
				return nil, err
			}
			to = append(to, ',')
		}
		if len(to) > empty {
			to = to[:len(to)-1]
		}
		to = append(to, ']')
		if p.wrapped {
			to = append(to, '}')
		}
		return to, nil
	})
}

// userFromMemory answers GET /users/{user}, but tells no auth state and not that
// there is no such user.
func (c *call) userFromMemory() (answered bool, err error) {
	return c.fromMemory(func(to []byte, list userlist.Reading) ([]byte, error) {
		e := list.User(c.user)
		if e == nil {
			return nil, nil
		}
		s := c.sight(list)
		seen := s.of(e)
		switch {
		case seen.has(partAuthState) && e.HasAuthState:
			return nil, nil
		case seen == 0:
			return append(to, "{}"...), nil
		}
		return s.appendUser(to, e, seen, nil)
	})
}

// selfFromMemory answers GET /user for users.
func (c *call) selfFromMemory() (answered bool, err error) {
	if c.identity.User == nil {
		return false, nil
	}
	about, err := c.aboutSelf()
	if err != nil {
		return false, err
	}
	return c.fromMemory(func(to []byte, list userlist.Reading) ([]byte, error) {
		e := list.User(c.identity.User.Name)
		if e == nil {
			return nil, nil
		}
		s := c.sightOfSelf(list, e, about)
		return s.appendUser(to, e, s.of(e)|identifying, about)
	})
}

// aboutSelf is what GET /user tells of the request. What it takes long to write,
// the scopes, is remembered with the identity.
func (c *call) aboutSelf() (*self, error) {
	if known, is := c.identity.Kept().(*self); is {
		return known, nil
	}
	token, session := c.login()
	about := new(self)
	for _, one := range []struct {
		to    *[]byte
		value any
	}{{&about.scopes, c.scopes.Strings()}, {&about.token, token}, {&about.session, session}} {
		data, err := json.Marshal(one.value)
		if err != nil {
			return nil, err
		}
		*one.to = data
	}
	c.identity.Keep(about)
	return about, nil
}

// aboutPage is what stands beside a page of a list.
func (c *call) aboutPage(p page, total int) map[string]any {
	about := map[string]any{"offset": p.offset, "limit": p.limit, "total": total, "next": nil}
	if after := p.offset + p.limit; after < total {
		about["next"] = map[string]any{"offset": after, "limit": p.limit, "url": c.pageURL(after, p.limit)}
	}
	return about
}

package api

import (
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// sight is what a caller may see of the users in the list.
type sight struct {
	*call
	list userlist.Reading
	// stopped says whether stopped servers are wanted too.
	stopped bool
	// same says that the scopes reach everybody or nobody, so that what follows
	// is true of every user; else it has to be found out of each.
	same            bool
	parts           partSet
	servers, states bool
	// found is what was found out before about the only user there is to see; nil
	// if nothing was.
	found *found
}

// found is what a caller may see of one user. It holds for as long as the scopes
// and the entry do: whether a scope reaches a user hangs on the user's name and
// groups, and both are in the entry.
type found struct {
	entry *userlist.Entry
	parts partSet
	// servers say of each of the entry's servers whether it may be seen when it is
	// active, and whether its state may.
	servers []struct{ visible, state bool }
}

// sightOfSelf is the sight of users who ask about themselves. It is remembered
// with the identity, whose scopes are found.
func (c *call) sightOfSelf(list userlist.Reading, e *userlist.Entry, about *self) *sight {
	if known := about.found.Load(); known != nil && known.entry == e {
		return &sight{call: c, list: list, stopped: c.query.flag("include_stopped_servers"), found: known}
	}
	s := c.sight(list)
	made := &found{entry: e, parts: s.of(e), servers: make([]struct{ visible, state bool }, len(e.Servers))}
	for i := range e.Servers {
		made.servers[i].visible, made.servers[i].state = s.reaches(e, i)
	}
	if c.groups.err == nil {
		about.found.Store(made)
	}
	s.found = made
	return s
}

func (c *call) sight(list userlist.Reading) *sight {
	s := &sight{call: c, list: list, stopped: c.query.flag("include_stopped_servers"), same: true}
	everywhere := func(name string) bool {
		filters, held := c.scopes.Filters(name)
		s.same = s.same && (!held || filters.All())
		return held
	}
	for _, one := range revelations {
		if everywhere(one.scope) {
			s.parts |= one.parts
		}
	}
	s.servers, s.states = everywhere("read:servers"), everywhere("admin:server_state")
	return s
}

// of are the parts that the caller may see of a user.
func (s *sight) of(e *userlist.Entry) partSet {
	switch {
	case s.found != nil:
		return s.found.parts
	case s.same:
		return s.parts
	}
	s.groups.learn(e.User, e.User.Name)
	var seen partSet
	for _, one := range revelations {
		if s.may(one.scope, scope.OnUser(e.User.Name)) {
			seen |= one.parts
		}
	}
	return seen
}

// server says whether the caller may see a server, and its state.
func (s *sight) server(e *userlist.Entry, one serverCard) (visible, state bool) {
	if !one.active && !s.stopped {
		return false, false
	}
	if s.found != nil {
		seen := s.found.servers[one.at]
		return seen.visible, seen.state
	}
	return s.reaches(e, one.at)
}

// reaches says whether the scopes reach a server, and its state.
func (s *sight) reaches(e *userlist.Entry, at int) (visible, state bool) {
	if s.same {
		return s.servers, s.states
	}
	on := scope.OnServer(e.User.Name, e.Servers[at].Name)
	return s.may("read:servers", on), s.may("admin:server_state", on)
}

// self are the parts of GET /user that are about the request, as JSON.
type self struct {
	scopes, session, token []byte
	// found is what the caller was last found to see of themselves.
	found atomic.Pointer[found]
}

// appendUser appends a user with the parts that are given, and with those of the
// servers that may be seen; nothing if there is none. Who may read one server of
// a user need not be able to read all.
func (s *sight) appendUser(to []byte, e *userlist.Entry, seen partSet, about *self) ([]byte, error) {
	made, err := s.card(e)
	if err != nil {
		return to, err
	}
	start := len(to)
	to = append(to, '{')
	for one := range parts {
		begin := len(to)
		switch one {
		case partServers:
			if to, err = s.appendServers(to, e, made, seen.has(partServers)); err != nil {
				return to, err
			}
		case partLastActivity:
			if seen.has(one) {
				to = appendStamp(append(to, `"last_activity":`...), s.list.LastActivity(e))
			}
		case partScopes, partSessionID, partTokenID:
			to = about.append(to, one)
		default:
			if seen.has(one) {
				to = append(to, made.part(one)...)
			}
		}
		if len(to) > begin {
			to = append(to, ',')
		}
	}
	if len(to) == start+1 {
		return to[:start], nil
	}
	to[len(to)-1] = '}'
	return to, nil
}

// appendServers appends the servers of a user that may be seen; an empty object
// only where that says that there are none.
func (s *sight) appendServers(to []byte, e *userlist.Entry, made *card, seen bool) ([]byte, error) {
	start := len(to)
	to = append(to, `"servers":{`...)
	empty := len(to)
	for _, one := range made.servers {
		visible, state := s.server(e, one)
		if !visible {
			continue
		}
		if one.before == nil {
			if err := s.fillServerCard(&one, e.Servers[one.at]); err != nil {
				return to, err
			}
		}
		to = append(append(to, one.before...), `"last_activity":`...)
		to = append(appendStamp(to, s.list.LastServerActivity(e, one.at)), ',')
		to = append(to, one.after...)
		if state {
			to = append(to, one.state...)
		}
		to = append(to, one.ending...)
		to[len(to)-1] = '}'
		to = append(to, ',')
	}
	switch {
	case len(to) > empty:
		to[len(to)-1] = '}'
	case seen:
		to = append(to, '}')
	default:
		to = to[:start]
	}
	return to, nil
}

func (s *self) append(to []byte, one part) []byte {
	if s == nil {
		return to
	}
	value := s.scopes
	switch one {
	case partSessionID:
		value = s.session
	case partTokenID:
		value = s.token
	}
	to = append(append(append(to, '"'), partNames[one]...), `":`...)
	return append(to, value...)
}

// appendStamp appends a time as stamp has it, as JSON.
func appendStamp(to []byte, at time.Time) []byte {
	if at.IsZero() {
		return append(to, "null"...)
	}
	at = at.UTC()
	year, month, day := at.Date()
	if year < 0 || year > 9999 {
		return append(append(append(to, '"'), isoFormat(at)...), '"')
	}
	hour, minute, second := at.Clock()
	to = append(to, '"', byte('0'+year/1000), byte('0'+year/100%10))
	to = appendTwo(to, year%100, '-')
	to = appendTwo(to, int(month), '-')
	to = appendTwo(to, day, 'T')
	to = appendTwo(to, hour, ':')
	to = appendTwo(to, minute, ':')
	to = appendTwo(to, second, '.')
	micro := at.Nanosecond() / 1000
	if micro == 0 {
		to[len(to)-1] = 'Z'
		return append(to, '"')
	}
	to = appendTwo(to, micro/10000, byte('0'+micro/1000%10))
	return append(to, byte('0'+micro/100%10), byte('0'+micro/10%10), byte('0'+micro%10), 'Z', '"')
}

// appendTwo appends two digits and what stands behind them.
func appendTwo(to []byte, number int, behind byte) []byte {
	return append(to, byte('0'+number/10), byte('0'+number%10), behind)
}

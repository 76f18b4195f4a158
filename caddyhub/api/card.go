package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// card is a user of the list as JSON in parts, from which answers for all
// visibilities are put together. It is made when it is first needed and good
// until the user or a server changes.
type card struct {
	// api and addresses are what the card was made with: links in it depend on
	// both.
	api       *API
	addresses uint64
	// text is all parts with their names, one behind the other; those that change
	// all the time, that not everybody sees the same of, or that are of one
	// request are missing. ends says where in text each part ends.
	text []byte
	ends [parts]uint32
	// servers in the order of their names.
	servers []serverCard
}

// part is one of the parts in text.
func (c *card) part(one part) []byte {
	begin := uint32(0)
	if one > 0 {
		begin = c.ends[one-1]
	}
	return c.text[begin:c.ends[one]]
}

// serverCard is a server: its name and what stands before the time of the last
// activity, what between this and the state, the state, and the rest.
type serverCard struct {
	before, after, state, ending []byte
	active                       bool
	// at is the place among the entry's servers.
	at int
}

// card returns that of an entry.
func (a *API) card(e *userlist.Entry) (*card, error) {
	addresses := a.options.Servers.Addresses()
	if known, is := e.Kept().(*card); is && known.api == a && known.addresses == addresses {
		return known, nil
	}
	made, err := a.newCard(e)
	if err != nil {
		return nil, fmt.Errorf("api: encode user: %w", err)
	}
	made.addresses = addresses
	e.Keep(made)
	return made, nil
}

func (a *API) newCard(e *userlist.Entry) (*card, error) {
	made := &card{api: a}
	values := a.userValues(e.User, e.Servers[0])
	for one := range parts {
		if value, has := values[partNames[one]]; has {
			data, err := json.Marshal(value)
			if err != nil {
				return nil, err
			}
			made.text = append(append(made.text, `"`+partNames[one]+`":`...), data...)
		}
		made.ends[one] = uint32(len(made.text))
	}
	made.text = slices.Clip(slices.Clone(made.text))
	for i, s := range e.Servers {
		one, err := a.newServerCard(i, s)
		if err != nil {
			return nil, err
		}
		made.servers = append(made.servers, one)
	}
	slices.SortFunc(made.servers, func(a, b serverCard) int {
		return strings.Compare(e.Servers[a.at].Name, e.Servers[b.at].Name)
	})
	return made, nil
}

// newServerCard encodes an active server. A stopped one, for which hardly anybody
// asks, is encoded when it is needed.
func (a *API) newServerCard(at int, s server.Server) (one serverCard, err error) {
	one = serverCard{active: s.Active(), at: at}
	if one.active {
		err = a.fillServerCard(&one, s)
	}
	return one, err
}

func (a *API) fillServerCard(one *serverCard, s server.Server) error {
	values := a.serverValues(s)
	key, err := json.Marshal(s.Name)
	if err != nil {
		return err
	}
	var errs [4]error
	one.before, errs[0] = fieldsOf(values, "full_name", "full_progress_url", "full_url")
	one.before = append(append(key, ":{"...), one.before...)
	one.after, errs[1] = fieldsOf(values, "name", "pending", "progress_url", "ready", "started")
	one.state, errs[2] = fieldsOf(map[string]any{"state": object(s.State)}, "state")
	one.ending, errs[3] = fieldsOf(values, "stopped", "url", "user_options")
	return errors.Join(errs[:]...)
}

// fieldsOf encodes some fields of a model, in this order, each with a comma
// behind it.
func fieldsOf(values map[string]any, names ...string) (encoded []byte, err error) {
	for _, name := range names {
		data, err := json.Marshal(values[name])
		if err != nil {
			return nil, err
		}
		encoded = append(encoded, `"`+name+`":`...)
		encoded = append(append(encoded, data...), ',')
	}
	return encoded, nil
}

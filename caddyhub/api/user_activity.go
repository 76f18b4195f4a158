package api

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/userlist"
)

// maxAhead is how far a reported activity may lie in the future. Clocks differ;
// a later time would keep a server from ever being idle.
const maxAhead = 59 * time.Minute

const serversShape = "servers must be a dict of the form {server_name: {last_activity: timestamp}}"

// postActivity takes what a server reports about its use. Times move forward
// only; nothing is taken of a report that is wrong in any part.
func postActivity(c *call) error {
	known, err := c.serverNames()
	if err != nil {
		if describe(err).status == http.StatusNotFound {
			return refuse(http.StatusNotFound, "No such user: %s", repr(c.user))
		}
		return err
	}
	value, err := c.value()
	if err != nil {
		return err
	}
	body, is := value.(map[string]any)
	if !is {
		return badRequest("body must be a json dict")
	}
	if empty(body["last_activity"]) && empty(body["servers"]) {
		return badRequest("body must contain at least one of `last_activity` or `servers`")
	}
	times := make(map[string]time.Time)
	if servers := body["servers"]; !empty(servers) {
		if err := c.serverActivity(servers, known, times); err != nil {
			return err
		}
	}
	if last := body["last_activity"]; !empty(last) {
		if times[identity.ActivityOfUser(c.user)], err = c.timestamp(last); err != nil {
			return err
		}
	}
	for name, at := range times {
		c.options.Directory.Activity().Touch(name, at)
	}
	return c.empty(http.StatusOK, typeJSON)
}

// serverActivity reads the times of servers, all of which must exist.
func (c *call) serverActivity(value any, known []string, times map[string]time.Time) (err error) {
	reported, is := value.(map[string]any)
	if !is {
		return badRequest(serversShape)
	}
	for _, name := range slices.Sorted(maps.Keys(reported)) {
		if !slices.Contains(known, name) {
			return badRequest("No such server '%s' for user %s", shorten(name), c.user)
		}
		about, is := reported[name].(map[string]any)
		last, given := about["last_activity"]
		if !is || !given {
			return badRequest(serversShape)
		}
		if times[identity.ActivityOfServer(c.user, name)], err = c.timestamp(last); err != nil {
			return err
		}
	}
	return nil
}

// serverNames are the names of the servers of the user in the path, with that
// of the default server. The error is what Directory.User says if there is no
// such user.
func (c *call) serverNames() (names []string, err error) {
	found := false
	answered := c.options.Users.Read(c.r.Context(), func(list userlist.Reading) {
		if e := list.User(c.user); e != nil {
			found = true
			for _, s := range e.Servers {
				names = append(names, s.Name)
			}
		}
	})
	if answered && found {
		return names, nil
	}
	if _, err := c.options.Directory.User(c.r.Context(), c.user); err != nil {
		return nil, err
	}
	servers, err := c.options.Servers.List(c.r.Context(), c.user)
	names = []string{""}
	for _, s := range servers {
		names = append(names, s.Name)
	}
	return names, err
}

// timeLayouts are the forms of ISO 8601 that are understood; what has no zone is
// UTC. Fractions of any length are accepted after the seconds.
var timeLayouts = []string{
	time.RFC3339,
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02T15:04",
	"2006-01-02",
}

func (c *call) timestamp(value any) (time.Time, error) {
	text, _ := value.(string)
	for _, layout := range timeLayouts {
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if at.Sub(c.options.Now()) > maxAhead {
			return at, badRequest("Rejecting activity from more than an hour in the future: %s", isoFormat(at))
		}
		return at.UTC(), nil
	}
	return time.Time{}, badRequest("Not a valid timestamp: %s", repr(value))
}

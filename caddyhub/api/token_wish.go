package api

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
)

// maxNote is how long the note of a token may be, in bytes, as in JupyterHub's
// database. Every list of tokens shows it.
const maxNote = 1023

// maxScopes is how many scopes or roles a request for a token may name. Each is
// expanded at every use of the token.
const maxScopes = 1000

// tokenWish is a well-formed request for a token.
type tokenWish struct {
	note string
	// scopes and roles are nil where the request does not say.
	scopes   []string
	roles    []string
	lifetime time.Duration
}

// tokenWish checks the types of what is asked for.
func (c *call) tokenWish(body map[string]any) (wish tokenWish, err error) {
	if wish.note, err = c.note(body["note"]); err != nil {
		return wish, err
	}
	if wish.roles, err = names(body, "roles"); err != nil {
		return wish, err
	}
	if wish.scopes, err = names(body, "scopes"); err != nil {
		return wish, err
	}
	if wish.roles != nil && wish.scopes != nil {
		return wish, badRequest("Can only assign one of scopes or roles when creating tokens.")
	}
	wish.lifetime, err = c.lifetime(body["expires_in"])
	return wish, err
}

// names reads a list that may be absent.
func names(body map[string]any, key string) ([]string, error) {
	if body[key] == nil {
		return nil, nil
	}
	list, ok := texts(body[key])
	if !ok || len(list) > maxScopes {
		return nil, badRequest("token %s must be null or a list of strings, not %s", key, repr(body[key]))
	}
	return list, nil
}

func (c *call) note(value any) (string, error) {
	if empty(value) {
		note := "Requested via api"
		if c.identity.Owner != identity.UserOwner(c.user) {
			note += " by " + c.identity.Kind() + " " + c.identity.Name()
		}
		return note, nil
	}
	note, is := value.(string)
	if !is || len(note) > maxNote {
		return "", badRequest("token note must be null or a string of at most %d bytes, not %s", maxNote, repr(value))
	}
	return note, nil
}

// lifetime reads expires_in. Null and 0 mean no end or, where there is a limit,
// the limit; JupyterHub lets 0 go around it.
func (c *call) lifetime(value any) (time.Duration, error) {
	limit := c.options.TokenMaxLifetime
	if value == nil {
		return limit, nil
	}
	number, is := value.(json.Number)
	if !is || !isInteger(number) {
		return 0, badRequest("token expires_in must be null or integer, not %s", repr(value))
	}
	seconds, err := strconv.ParseInt(string(number), 10, 64)
	most := int64(math.MaxInt64 / time.Second)
	if limit > 0 {
		most = int64(limit / time.Second)
	}
	switch {
	case strings.HasPrefix(string(number), "-") && seconds != 0:
		return 0, badRequest("expires_in must be a positive integer or null, not %s", repr(number))
	case err != nil || seconds > most:
		return 0, badRequest("token expires_in: %s must not exceed %d", repr(number), most)
	case seconds == 0:
		return limit, nil
	}
	return time.Duration(seconds) * time.Second, nil
}

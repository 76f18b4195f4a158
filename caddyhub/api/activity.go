package api

import (
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// active notes that the caller was active (section 0.4): the token that was
// used and its user, unless it is the token that a single-user server itself
// has. It never fails the request.
func (c *call) active() {
	var names []string
	if token := c.identity.Token; token != nil {
		names = append(names, identity.ActivityOfToken(token.ID))
	}
	if c.identity.User != nil && (c.identity.Token == nil || !c.identity.Token.OfServer()) {
		names = append(names, identity.ActivityOfUser(c.identity.User.Name))
	}
	if len(names) == 0 {
		return
	}
	activity, now := c.options.Directory.Activity(), c.options.Now()
	last := make([]time.Time, len(names))
	err := c.options.Directory.Store().View(c.r.Context(), func(r store.Reader) (err error) {
		for i, name := range names {
			if last[i], err = activity.Last(r, name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		c.log.WarnContext(c.r.Context(), "activity not noted", "error", err)
		return
	}
	for i, name := range names {
		if now.Sub(last[i]) > c.options.ActivityResolution {
			activity.Touch(name, now)
		}
	}
}

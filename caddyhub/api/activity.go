package api

import (
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// active notes that the caller was active (section 0.4): the token that was
// used and its user, unless it is the token that a single-user server itself
// has. It never fails the request.
func (c *call) active() {
	activity, now := c.options.Directory.Activity(), c.options.Now()
	names := c.identity.Activities()
	if !slices.ContainsFunc(names, func(name string) bool {
		return !activity.Since(name, now.Add(-c.options.ActivityResolution))
	}) {
		return
	}
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

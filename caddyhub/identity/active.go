package identity

import (
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// CountUsers says how many users were active since each of these times, inside
// a View. It reads the activity of every user.
func (a *Activity) CountUsers(r store.Reader, since ...time.Time) ([]int, error) {
	last, err := a.ofUsers(r)
	if err != nil {
		return nil, err
	}
	counts := make([]int, len(since))
	for _, at := range last {
		for i, begin := range since {
			if !at.Before(begin) {
				counts[i]++
			}
		}
	}
	return counts, nil
}

package server

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Who is refused because too many are starting is told to come back after a
// time between these (JupyterHub's spawn_throttle_retry_range), so that not all
// come back at once.
const (
	minRetryAfter = 30
	maxRetryAfter = 60
)

// checkNamed refuses a named server that the user may not have; known says
// that there is one of that name already.
func checkNamed(r store.Reader, wanted request, known bool) error {
	if wanted.name == "" {
		return nil
	}
	named := wanted.settings.Named
	if !named.Enabled {
		return refuse(ErrNamedDisabled, http.StatusBadRequest, "Named servers are not enabled.")
	}
	if known || named.LimitPerUser <= 0 {
		return nil
	}
	// The default server is one of the list.
	list, err := servers.List(r, store.Page{
		Prefix: store.Under(wanted.user), Limit: min(named.LimitPerUser+1, store.MaxPage),
	})
	if err != nil {
		return err
	}
	count := 0
	for _, item := range list {
		if item.Value.Name != "" {
			count++
		}
	}
	if count >= named.LimitPerUser {
		return refuse(ErrNamedLimit, http.StatusBadRequest,
			"User %s already has the maximum of %d named servers.  One must be deleted before a new server can be created",
			wanted.user, named.LimitPerUser)
	}
	return nil
}

// checkLimits refuses a start when the hub has enough. What it counts it reads
// in the transaction that adds to it, so no two starts fill one place.
func checkLimits(r store.Reader, limits Limits) error {
	if most := limits.ConcurrentSpawns; most > 0 {
		count := 0
		err := pendingServers.Each(r, "", func(item store.Item[Pending]) error {
			if item.Value == PendingSpawn {
				count++
			}
			return nil
		})
		if err != nil {
			return err
		}
		if count >= most {
			seconds := minRetryAfter + rand.IntN(maxRetryAfter-minRetryAfter+1)
			refusal := refuse(ErrSpawnLimit, http.StatusTooManyRequests,
				"Too many users trying to log in right now. Try again in %d seconds.", seconds)
			refusal.RetryAfter = time.Duration(seconds) * time.Second
			return refusal
		}
	}
	if most := limits.ActiveServers; most > 0 {
		count := 0
		err := activeServers.Each(r, "", func(store.Item[struct{}]) error {
			count++
			return nil
		})
		if err != nil {
			return err
		}
		if count >= most {
			return refuse(ErrActiveLimit, http.StatusTooManyRequests,
				"Active user limit exceeded. Try again in a few minutes.")
		}
	}
	return nil
}

package redis

import (
	"crypto/rand"
	"time"
)

// sweepBatch is how many expired records one script removes, because Redis
// does nothing else while it runs.
const sweepBatch = 200

// sweepAlways removes expired records until the store is closed. Every node
// does; what one has removed the others do not find any more.
func (s *Store) sweepAlways(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		for more := true; more; {
			removed, err := s.sweep()
			if err != nil && s.ctx.Err() == nil {
				s.logger.Warn("removing expired records failed", "error", err)
			}
			more = err == nil && removed == sweepBatch
		}
	}
}

func (s *Store) sweep() (int64, error) {
	ctx, cancel := s.withDeadline(s.ctx)
	defer cancel()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	begin := time.Now()
	removed, err := sweepScript.Run(ctx, s.client, []string{s.base}, rand.Text(), s.backlog, s.now().UnixMilli(), sweepBatch).Int64()
	s.breaker.note(err, time.Since(begin))
	if err != nil {
		return 0, s.failure(ctx, err)
	}
	return removed, nil
}

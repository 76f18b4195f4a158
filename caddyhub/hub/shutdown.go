package hub

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// stopping is how long a shutdown waits for servers to stop, and stoppingAtOnce
// how many it stops at a time.
const (
	stopping       = 2 * time.Minute
	stoppingAtOnce = 32
)

// shutdown is what ends the program at the wish of an API client; nil if nothing
// can.
func (p *parts) shutdown(exit func(), log *slog.Logger) func(servers bool) {
	if exit == nil {
		return nil
	}
	return func(servers bool) {
		go func() {
			if servers {
				ctx, cancel := context.WithTimeout(context.Background(), stopping)
				defer cancel()
				if err := p.stopServers(ctx, log); err != nil {
					log.Error("not all servers were stopped before the shutdown", "error", err)
				}
			}
			exit()
		}()
	}
}

// stopServers stops all servers of the hub and waits until they are.
func (p *parts) stopServers(ctx context.Context, log *slog.Logger) error {
	var user, name string
	for {
		servers, err := p.servers.Active(ctx, user, name, store.MaxPage)
		if err != nil || len(servers) == 0 {
			return err
		}
		var running sync.WaitGroup
		free := make(chan struct{}, stoppingAtOnce)
		for _, s := range servers {
			free <- struct{}{}
			running.Go(func() {
				defer func() { <-free }()
				p.stopServer(ctx, s, log)
			})
			user, name = s.User, s.Name
		}
		running.Wait()
	}
}

func (p *parts) stopServer(ctx context.Context, s server.Server, log *slog.Logger) {
	done, err := p.servers.Stop(ctx, s.User, s.Name, false)
	if err == nil && !done {
		_, err = p.servers.Wait(ctx, s.User, s.Name, stopping)
	}
	if err != nil {
		log.Warn("server not stopped", "user", s.User, "server", s.Name, "error", err)
	}
}

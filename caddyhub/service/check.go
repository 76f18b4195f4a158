package service

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// A service that has just been started is asked so often, so long apart,
	// whether it answers, as in JupyterHub.
	startTries = 10
	startPause = time.Second
	// probeTimeout is for one question.
	probeTimeout = time.Second
	// maxProbeBody is how much of an answer is read.
	maxProbeBody = 4 << 10
)

// awaitAnswer tells the log whether a service that was started answers.
func (t *task) awaitAnswer(ctx context.Context, url string) {
	if url == "" {
		return
	}
	var err error
	for range startTries {
		if err = t.supervisor.ask(ctx, url); err == nil {
			t.log.Info("service answers", "url", url)
			return
		}
		if !sleep(ctx, startPause) {
			return
		}
	}
	t.log.Error("service was started and does not answer", "url", url, "error", err)
}

// ask asks a service once. Whatever it answers, it is there.
func (s *Supervisor) ask(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Close = true
	// A RoundTripper follows no redirects and keeps no cookies.
	response, err := s.options.Probe.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxProbeBody) // that there is an answer is all that counts
	return nil
}

// defaultProbe goes straight to the service; proxies of the environment are not
// for upstreams.
func defaultProbe() http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
}

// check looks after services from now on. Call it with the lock held.
func (s *Supervisor) check(plan Plan) {
	if s.checking != nil {
		s.checking()
		s.checking = nil
	}
	if plan.CheckInterval <= 0 || len(plan.Check) == 0 {
		return
	}
	var ctx context.Context
	ctx, s.checking = context.WithCancel(context.Background())
	s.running.Go(func() { s.checkAlways(ctx, plan.Check, plan.CheckInterval) })
}

// checkAlways asks services and tells the log when one is gone or back.
func (s *Supervisor) checkAlways(ctx context.Context, targets []Target, interval time.Duration) {
	gone := make(map[string]bool)
	for sleep(ctx, interval) {
		for _, target := range targets {
			err := s.ask(ctx, target.URL)
			if errors.Is(err, context.Canceled) {
				return
			}
			log := s.log.With("service", target.Name, "url", target.URL, "managed", target.Managed)
			switch {
			case err != nil && !gone[target.Name]:
				log.Warn("service cannot be reached", "error", err)
			case err == nil && gone[target.Name]:
				log.Info("service can be reached again")
			}
			gone[target.Name] = err != nil
		}
	}
}

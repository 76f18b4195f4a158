package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

const (
	// The pauses between probes begin short, because somebody is looking at the
	// progress bar, and grow by a quarter each: a server that is up is found
	// within a quarter of the time that it took.
	firstProbePause = 50 * time.Millisecond
	maxProbePause   = 5 * time.Second
	// probeTimeout is for one probe: a server that has bound its port and does
	// not answer must not use up all the time there is.
	probeTimeout = 5 * time.Second
	// exitPoll is how often a starting server is looked at.
	exitPoll = 500 * time.Millisecond
	// maxProbeBody is how much of an answer is read for the sake of the
	// connection, which nobody uses again.
	maxProbeBody = 4 << 10
)

// answer waits until the server answers, its program ends, the time is over
// (http_timeout) or the start is called off.
func (m *Manager) answer(op *operation, s Server) error {
	op.reports.add(Event{Percent: percentStarted, Message: "Server started, waiting for it to answer"})
	limit := op.settings.Timeouts.HTTP
	ctx, cancel := m.interruptible(op.attempt, limit)
	defer cancel()
	ctx, exited := context.WithCancelCause(ctx)
	defer exited(nil)
	go m.watchExit(ctx, op, s, exited)

	var last error
	for pause := firstProbePause; ; pause = min(pause*5/4, maxProbePause) {
		answered, err := m.probe(ctx, op.settings, s)
		if answered {
			return m.checkRunning(ctx, op, s)
		}
		if ctx.Err() == nil {
			last = err
		}
		if !sleep(ctx, jitter(pause)) {
			break
		}
	}
	cause := context.Cause(ctx)
	if !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return &spawner.Error{
		Reason:  spawner.ReasonTimeout,
		Message: fmt.Sprintf("The server was started but did not answer within %v.", limit),
		Err:     last,
	}
}

// probe asks the server once, as JupyterHub does ("5.8"): any status below 500
// is an answer, a redirect too.
func (m *Manager) probe(ctx context.Context, settings Settings, s Server) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	url := s.URL + settings.Base.Server(s.User, s.Name) + "api"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	request.Close = true
	// A RoundTripper follows no redirects and keeps no cookies.
	response, err := settings.Probe.RoundTrip(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxProbeBody) // the status is all that counts
	if response.StatusCode >= http.StatusInternalServerError {
		return false, fmt.Errorf("the server answered with status %d", response.StatusCode)
	}
	if response.Header.Get("X-JupyterHub-Version") == "" {
		m.log.Debug("server does not tell its JupyterHub version", "server", s.LogName())
	}
	return true, nil
}

// checkRunning returns an error if the server's program has ended. Then something
// else has answered, on a port that it was quicker to take; whoever visits must
// not be sent there, with a token of theirs.
func (m *Manager) checkRunning(ctx context.Context, op *operation, s Server) error {
	status, err := op.settings.Spawner.Poll(ctx, op.ref(s))
	if err == nil && !status.Running {
		return exitError(status)
	}
	return nil
}

// watchExit ends the wait when the server's program has ended.
func (m *Manager) watchExit(ctx context.Context, op *operation, s Server, exited context.CancelCauseFunc) {
	for sleep(ctx, exitPoll) {
		status, err := op.settings.Spawner.Poll(ctx, op.ref(s))
		if err == nil && !status.Running {
			exited(exitError(status))
			return
		}
	}
}

func exitError(status spawner.Status) error {
	message := "The server ended while it was starting"
	if status.ExitCode != spawner.UnknownExit {
		message += fmt.Sprintf(" (status %d)", status.ExitCode)
	}
	if status.Message != "" {
		message += ": " + status.Message
	}
	return &spawner.Error{Reason: spawner.ReasonExited, Message: strings.TrimSuffix(message, ".") + "."}
}

// defaultProbe goes straight to the server; proxies of the environment are not
// for upstreams.
func defaultProbe() http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
}

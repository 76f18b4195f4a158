package proxy

import (
	"errors"
	"fmt"
)

// Errors of Serve. With each of them nothing has been sent to the client, so that
// the caller can answer. ErrUpstream is any trouble with the upstream; the others
// say which, and are ErrUpstream too, but for ErrClient.
var (
	// ErrUpstream says that the upstream gave no answer that could be sent on.
	ErrUpstream = errors.New("proxy: no answer from the upstream")
	// ErrUnreachable says that there is no connection to the upstream: refused,
	// no such host or socket, or a certificate that is not trusted.
	ErrUnreachable = fmt.Errorf("%w: it cannot be reached", ErrUpstream)
	// ErrTimeout says that the upstream was silent for longer than allowed.
	ErrTimeout = fmt.Errorf("%w: it is silent", ErrUpstream)
	// ErrClosed says that the upstream closed the connection before it answered.
	ErrClosed = fmt.Errorf("%w: it hung up", ErrUpstream)
	// ErrMalformed says that the answer is not HTTP, or is ambiguous or too long
	// where it must not be.
	ErrMalformed = fmt.Errorf("%w: it does not speak HTTP as one must", ErrUpstream)
	// ErrClient says that the client went away, or broke off its upload.
	ErrClient = errors.New("proxy: the client is gone")
)

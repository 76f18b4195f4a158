package proxy

import (
	"errors"
	"fmt"
)

// Errors of Serve. With each of them nothing has been sent to the client, so that
// the caller can answer. ErrUpstream is any trouble with the upstream; those that
// say which wrap it.
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
	ErrMalformed = fmt.Errorf("%w: what it says is not HTTP", ErrUpstream)
	// ErrRequest says that the request cannot be written down as HTTP/1.1. The
	// upstream has seen nothing of it. It is the client's fault: a 400.
	ErrRequest = errors.New("proxy: the request cannot be sent on")
	// ErrClient says that the client went away, or broke off its upload.
	ErrClient = errors.New("proxy: the client is gone")
)

package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
)

// newH2C reaches upstreams that speak HTTP/2 without TLS (RFC 9113, 3.3).
func (p *Proxy) newH2C() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols: protocols, DisableCompression: true, MaxResponseHeaderBytes: int64(p.options.MaxResponseHeader),
		ExpectContinueTimeout: continueTimeout,
		IdleConnTimeout:       max(p.options.IdleTimeout, 0), DisableKeepAlives: p.options.IdleTimeout < 0,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := p.dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
			}
			return conn, nil
		},
	}
}

// serveH2C forwards over HTTP/2. WebSockets go to the same address by HTTP/1.1.
func (c *call) serveH2C() error {
	// Fields are the same; what frames them is not ours here.
	if _, err := c.appendHead(c.out[:0]); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.r.Context()))
	defer cancel(nil)
	silence := newSilence(c.proxy.options.ResponseTimeout, cancel)
	defer silence.end()
	out := &http.Request{
		Method: c.r.Method, URL: &url.URL{Scheme: "http", Host: c.x.Target.Address(), Opaque: c.target()},
		Host: c.r.Host, Header: c.outgoingHeader(),
	}
	if c.x.Host != "" {
		out.Host = c.x.Host
	}
	var rest *upload
	if c.hasBody() {
		body := c.newSource(silence)
		defer body.leave()
		rest = body.upload
		out.Body, out.ContentLength, out.Trailer = body, c.r.ContentLength, body.trailer
	}
	defer context.AfterFunc(c.r.Context(), func() {
		// A server that is kept from reading the rest of an upload takes its client for
		// gone.
		if rest == nil || !rest.ending.Load() {
			cancel(context.Cause(c.r.Context()))
		}
	})()
	answer, err := c.roundTripH2C(ctx, out)
	if err != nil {
		c.unanswered()
		switch {
		case errors.Is(context.Cause(ctx), ErrTimeout):
			err = ErrTimeout
		case !errors.Is(err, ErrUnreachable):
			err = fmt.Errorf("%w: %w", ErrClosed, err)
		}
		return c.because(err)
	}
	defer func() {
		if out.Body != nil {
			_ = out.Body.Close() // first: closing the answer waits for who reads it
		}
		_ = answer.Body.Close() // it has been read, or nobody wants it
	}()
	c.relayH2C(answer, silence)
	return nil
}

// roundTripH2C passes on answers with a status below 200 until the one that counts
// has come.
func (c *call) roundTripH2C(ctx context.Context, out *http.Request) (*http.Response, error) {
	var mu sync.Mutex
	over := false
	defer func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
	}()
	inform := func(status int, header textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		if over || status == http.StatusContinue { // reading the body tells the client
			return nil
		}
		c.setHead(status, http.Header(header))
		c.inform()
		return nil
	}
	return c.proxy.h2c.RoundTrip(out.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: inform})))
}

func (c *call) outgoingHeader() http.Header {
	header := make(http.Header, len(c.r.Header))
	for name, values := range c.r.Header {
		if !c.drops(name, c.r.Header["Connection"]) {
			header[name] = values
		}
	}
	for _, field := range c.x.Header {
		if field.Value != "" {
			header[field.Name] = append(header[field.Name], field.Value)
		}
	}
	if named(c.r.Header["Te"], "trailers") {
		header["Te"] = []string{"trailers"}
	}
	if _, found := header["User-Agent"]; !found {
		header["User-Agent"] = nil // or the transport would add its own
	}
	return header
}

func (c *call) setHead(status int, header http.Header) {
	c.head = response{status: status, fields: c.head.fields[:0]}
	for name, values := range header {
		for _, value := range values {
			c.head.fields = append(c.head.fields, Field{name, value})
		}
	}
}

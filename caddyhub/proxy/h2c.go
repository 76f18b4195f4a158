package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// newH2C reaches upstreams that speak HTTP/2 without TLS (RFC 9113, 3.3).
func (p *Proxy) newH2C() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{
		Protocols: protocols, DisableCompression: true, MaxResponseHeaderBytes: int64(p.options.MaxResponseHeader),
		ResponseHeaderTimeout: p.options.ResponseTimeout,
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
	out := (&http.Request{
		Method: c.r.Method, URL: &url.URL{Scheme: "http", Host: c.x.Target.Address(), Opaque: c.target()},
		Host: c.r.Host, Header: c.outgoingHeader(), ContentLength: c.r.ContentLength, Trailer: c.r.Trailer,
	}).WithContext(c.r.Context())
	if c.x.Host != "" {
		out.Host = c.x.Host
	}
	if c.hasBody() {
		out.Body = c.r.Body
	}
	answer, err := c.proxy.h2c.RoundTrip(out)
	if err != nil {
		if !errors.Is(err, ErrUnreachable) {
			err = fmt.Errorf("%w: %w", ErrClosed, err)
		}
		return c.because(err)
	}
	defer answer.Body.Close()
	c.relayH2C(answer)
	return nil
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
	if _, found := header["User-Agent"]; !found {
		header["User-Agent"] = nil // or the transport would add its own
	}
	return header
}

func (c *call) relayH2C(answer *http.Response) {
	c.head = response{status: answer.StatusCode, fields: c.head.fields[:0]}
	for name, values := range answer.Header {
		for _, value := range values {
			c.head.fields = append(c.head.fields, Field{name, value})
		}
	}
	header := c.w.Header()
	c.head.copyTo(header)
	for name := range answer.Trailer {
		header.Add("Trailer", name)
		delete(header, "Content-Length") // HTTP/1.1 has no room for both
	}
	c.w.WriteHeader(answer.StatusCode)
	buffer := largeBuffers.Get().(*[largeBuffer]byte)
	defer largeBuffers.Put(buffer)
	control := http.NewResponseController(c.w)
	for {
		_ = control.Flush()
		n, err := answer.Body.Read(buffer[:])
		if n > 0 {
			if _, failed := c.w.Write(buffer[:n]); failed != nil {
				panic(http.ErrAbortHandler)
			}
			c.touch()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	for name, values := range answer.Trailer {
		if inTrailer(name) {
			header[name] = values
		}
	}
}

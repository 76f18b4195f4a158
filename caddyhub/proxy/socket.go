package proxy

import (
	"context"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6455, 4.2.2 wants it, for no secret
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// isSocket tells whether a request opens a WebSocket: by Upgrade, or by extended
// CONNECT over HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220).
func isSocket(r *http.Request) bool {
	switch r.ProtoMajor {
	case 1:
		upgrade := r.Header["Upgrade"]
		return len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && r.Method == http.MethodGet &&
			named(r.Header["Connection"], "upgrade") && r.ContentLength == 0
	case 2:
		protocol := r.Header[":protocol"]
		return r.Method == http.MethodConnect && len(protocol) == 1 && protocol[0] == "websocket"
	case 3:
		return r.Method == http.MethodConnect && r.Proto == "websocket"
	}
	return false
}

// openSocket prepares the handshake with the upstream, which is always HTTP/1.1.
func (c *call) openSocket() {
	c.socket = true
	if c.r.ProtoMajor > 1 {
		var nonce [16]byte
		_, _ = rand.Read(nonce[:]) // it does not fail
		c.key = base64.StdEncoding.EncodeToString(nonce[:])
	}
}

// spelled is the name of a field as RFC 6455 spells it: some servers compare.
func spelled(name string) string {
	const canonical, proper = "Sec-Websocket-", "Sec-WebSocket-"
	if rest, ok := strings.CutPrefix(name, canonical); ok {
		return proper + rest
	}
	return name
}

// accepts says whether the upstream has agreed to what was asked.
func (c *call) accepts() error {
	agreed, proof := false, ""
	for _, field := range c.head.fields {
		switch field.Name {
		case "Upgrade":
			agreed = strings.EqualFold(field.Value, "websocket")
		case "Sec-Websocket-Accept":
			proof = field.Value
		}
	}
	if !agreed {
		return fmt.Errorf("%w: it switches to a protocol that nobody asked for", ErrMalformed)
	}
	// Who has made the key has to check the proof; else that is the client.
	if c.key == "" {
		return nil
	}
	if proof != proofOf(c.key) {
		return fmt.Errorf("%w: its Sec-WebSocket-Accept is wrong", ErrMalformed)
	}
	return nil
}

// proofOf is the Sec-WebSocket-Accept that a key demands.
func proofOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// switchProtocols makes a tunnel of both connections. It returns at once if the
// client's can be taken from the server, else when the tunnel has ended.
func (c *call) switchProtocols(ctx context.Context) error {
	if err := c.accepts(); err != nil {
		return err
	}
	header := c.w.Header()
	c.head.copyTo(header)
	delete(header, "Content-Type")
	for name, values := range header {
		if proper := spelled(name); proper != name {
			delete(header, name)
			header[proper] = values
		}
	}
	if c.r.ProtoMajor > 1 {
		delete(header, "Sec-WebSocket-Accept")
		return c.tunnelStream(ctx)
	}
	header["Connection"], header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	c.w.WriteHeader(http.StatusSwitchingProtocols)
	client, early, err := hijack(c.w)
	if err != nil {
		panic(http.ErrAbortHandler) // the head is out, and nothing can follow
	}
	if !c.proxy.watch.remove(c) {
		client.Close()
		return nil
	}
	c.tunnelled = true
	t := c.proxy.newTunnel(c, client)
	t.start(early, c.rest())
	return nil
}

// tunnelStream moves the bytes of a WebSocket in a stream of HTTP/2 or 3, which
// lives no longer than its handler.
func (c *call) tunnelStream(ctx context.Context) error {
	c.w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(c.w).Flush(); err != nil {
		panic(http.ErrAbortHandler)
	}
	// What lies around the server's writer has seen the head. It is made for
	// answers, and would set two deadlines for each piece, say.
	client := &stream{Reader: c.r.Body, w: innermost(c.w)}
	client.control = http.NewResponseController(client.w)
	_ = client.SetDeadline(time.Time{}) // those of answers and of their heads
	t := c.proxy.newTunnel(c, client)
	c.tunnelled = true
	stop := context.AfterFunc(ctx, t.cut)
	defer stop()
	rest := c.rest()
	c.lighten()
	t.start(nil, rest)
	return nil
}

// lighten gives back what nobody needs while a WebSocket is open.
func (c *call) lighten() {
	c.conn.release()
	calls.Put(&call{out: c.out[:0]})
	c.out, c.head = nil, response{}
}

// rest is what the upstream has sent behind its handshake.
func (c *call) rest() []byte {
	rest := append([]byte(nil), c.conn.unread()...)
	c.conn.start = c.conn.end
	return rest
}

// innermost is the server's own writer. What lies around it, to log or to limit,
// is for answers, and stays out of a WebSocket.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = inner.Unwrap()
	}
}

// hijack takes the client's connection from the server, and what has been read of
// it already.
func hijack(w http.ResponseWriter) (client net.Conn, early []byte, err error) {
	client, buffered, err := http.NewResponseController(innermost(w)).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if n := buffered.Reader.Buffered(); n > 0 {
		early = make([]byte, n)
		_, err = io.ReadFull(buffered, early)
	}
	return client, early, err
}

package gate_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// field is a header field, or a pseudo-header, as it is sent.
type field struct{ name, value string }

// errCut says that the request was answered by ending the stream or the
// connection.
var errCut = errors.New("no answer")

// protocol sends a request over one version of HTTP, on a connection of its own.
type protocol struct {
	name string
	send func(t *testing.T, h *hub, r hostile) (answer, error)
}

var protocols = []protocol{{"HTTP/1.1", sendOver1}, {"HTTP/2", sendOver2}, {"HTTP/3", sendOver3}}

// settings for TLS that trust the authority of the hub.
func (h *hub) settings(t *testing.T, protocols ...string) *tls.Config {
	t.Helper()
	transport, ok := h.API("").HTTP.Transport.(*http.Transport)
	if !ok {
		t.Fatal("clients of the hub have another transport")
	}
	config := transport.TLSClientConfig.Clone()
	config.ServerName, config.NextProtos = "localhost", protocols
	return config
}

func (h *hub) dial(t *testing.T, protocol string) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", h.Address(), h.settings(t, protocol))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the hub may have closed it
	if err := conn.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func sendOver1(t *testing.T, h *hub, r hostile) (answer, error) {
	t.Helper()
	var raw strings.Builder
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, f := range append([]field{{"Host", r.authority}}, r.fields...) {
		fmt.Fprintf(&raw, "%s: %s\r\n", f.name, f.value)
	}
	if r.body != "" && !r.has("content-length") && !r.has("transfer-encoding") {
		fmt.Fprintf(&raw, "Content-Length: %d\r\n", len(r.body))
	}
	raw.WriteString("\r\n" + r.body)
	conn := h.dial(t, "http/1.1")
	if _, err := io.WriteString(conn, raw.String()); err != nil {
		return answer{}, errCut
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errCut, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return answer{Response: response}, nil
	}
	body, err := io.ReadAll(response.Body)
	return answer{response, body}, err
}

// head are the fields of a request over HTTP/2 and 3, pseudo-headers first unless
// the request has its own idea of them.
func (r hostile) head() []field {
	if r.exactly != nil {
		return r.exactly
	}
	head := []field{{":method", r.method}, {":scheme", "https"}, {":authority", r.authority}, {":path", r.target}}
	for _, f := range r.fields {
		head = append(head, field{strings.ToLower(f.name), f.value})
	}
	return head
}

func sendOver2(t *testing.T, h *hub, r hostile) (answer, error) {
	t.Helper()
	conn := h.dial(t, "h2")
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range r.head() {
		if err := encoder.WriteField(hpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	framer.AllowIllegalWrites = true
	err := errors.Join(framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: r.body == "",
	}))
	if r.body != "" {
		err = errors.Join(err, framer.WriteData(1, true, []byte(r.body)))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		return answer{}, errCut
	}
	return readOver2(framer)
}

func readOver2(framer *http2.Framer) (answer, error) {
	got := answer{Response: &http.Response{Header: http.Header{}}}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return got, fmt.Errorf("%w: %w", errCut, err)
		}
		ended := false
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, f := range frame.Fields {
				got.take(f.Name, f.Value)
			}
			ended = frame.StreamEnded()
		case *http2.DataFrame:
			got.body = append(got.body, frame.Data()...)
			ended = frame.StreamEnded()
		case *http2.RSTStreamFrame:
			return got, fmt.Errorf("%w: %v", errCut, frame.ErrCode)
		case *http2.GoAwayFrame:
			if frame.ErrCode != http2.ErrCodeNo {
				return got, fmt.Errorf("%w: %v", errCut, frame.ErrCode)
			}
		}
		if ended {
			return got, nil
		}
	}
}

// take notes a header field of an answer.
func (a *answer) take(name, value string) {
	if name == ":status" {
		a.StatusCode, _ = strconv.Atoi(value)
		a.Status = value
		return
	}
	a.Header.Add(name, value)
}

package gate_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/qpack"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// Types of frames, and of the stream that tells settings (RFC 9114, 7.2 and 6.2.1).
const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameSettings = 0x4
	streamControl = 0x0
)

// sendOver3 writes the frames of HTTP/3 itself: clients for it put requests in order.
func sendOver3(t *testing.T, h *hub, r hostile) (answer, error) {
	t.Helper()
	conn, err := quic.DialAddr(t.Context(), h.Address(), h.settings(t, http3.NextProtoH3), &quic.Config{HandshakeIdleTimeout: exchangeTimeout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0, "") }() // the hub may have closed it
	control, err := conn.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.Write(frame(quicvarint.Append(nil, streamControl), frameSettings, nil)); err != nil {
		return answer{}, errCut
	}
	stream, err := conn.OpenStreamSync(t.Context())
	if err != nil {
		return answer{}, errCut
	}
	if err := stream.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	encoder := qpack.NewEncoder(&block)
	for _, f := range r.head() {
		if err := encoder.WriteField(qpack.HeaderField{Name: f.name, Value: f.value}); err != nil {
			t.Fatal(err)
		}
	}
	out := frame(nil, frameHeaders, block.Bytes())
	if r.body != "" {
		out = frame(out, frameData, []byte(r.body))
	}
	// An answer may come before the request is complete, and ask that no more be sent:
	// what cannot be sent is no reason not to read.
	if _, err := stream.Write(out); err == nil {
		_ = stream.Close()
	}
	return readOver3(stream)
}

func frame(dst []byte, kind uint64, payload []byte) []byte {
	dst = quicvarint.Append(quicvarint.Append(dst, kind), uint64(len(payload)))
	return append(dst, payload...)
}

func readOver3(stream io.Reader) (answer, error) {
	got := answer{Response: &http.Response{Header: http.Header{}}}
	reader := quicvarint.NewReader(stream)
	for {
		kind, err := quicvarint.Read(reader)
		if errors.Is(err, io.EOF) && got.StatusCode >= 200 {
			return got, nil
		}
		if err != nil {
			return got, fmt.Errorf("%w: %w", errCut, err)
		}
		length, err := quicvarint.Read(reader)
		if err != nil || length > 1<<20 {
			return got, fmt.Errorf("%w: %d bytes, %w", errCut, length, err)
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(reader, payload); err != nil {
			return got, fmt.Errorf("%w: %w", errCut, err)
		}
		switch kind {
		case frameData:
			got.body = append(got.body, payload...)
		case frameHeaders:
			next := qpack.NewDecoder().Decode(payload)
			for {
				f, err := next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return got, err
				}
				got.take(f.Name, f.Value)
			}
		}
	}
}

package routes_test

import (
	"bufio"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func pemOf(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

// recorded is a request as an upstream got it.
type recorded struct {
	Method, Target, Host, Protocol string
	Header, Trailer                http.Header
	Length                         int64
	// Sum is the SHA-256 of the body.
	Sum string
}

// behaviour does what the last segment of the path says. What a client cannot see
// comes over the channel.
type behaviour struct{ told chan string }

func newBehaviour() *behaviour { return &behaviour{told: make(chan string, 1000)} }

func (b *behaviour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	switch name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; name {
	case "trailers":
		w.Header().Set("Trailer", "X-Announced")
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
		_ = control.Flush()
		w.Header().Set("X-Announced", r.Trailer.Get("X-Sum"))
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "too")
	case "hints":
		for _, link := range []string{"</a>", "</b>"} {
			w.Header().Set("Link", link)
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "done")
	case "refuse":
		w.WriteHeader(http.StatusExpectationFailed)
	case "early":
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "too much")
	case "silent-death":
		_, _ = io.CopyN(io.Discard, r.Body, 100_000)
		panic(http.ErrAbortHandler)
	case "both":
		both(w, r)
	case "events":
		b.events(w, r)
	case "length", "chunks":
		if name == "length" {
			w.Header().Set("Content-Length", "100")
		}
		_, _ = io.WriteString(w, "half")
		_ = control.Flush()
		panic(http.ErrAbortHandler)
	case "gone":
		w.WriteHeader(http.StatusOK)
		_ = control.Flush()
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		b.told <- r.URL.Path
	case "large":
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		_, _ = io.CopyN(w, new(counter), int64(size))
	case "head":
		w.Header().Set("X-Huge", strings.Repeat("x", 100<<10))
		w.Header().Set("Content-Length", "12345")
	case "ws", "ws-refused":
		b.socket(w, r)
	default:
		record(w, r)
	}
}

// record answers with the request.
func record(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	length, err := io.Copy(sum, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(recorded{r.Method, r.RequestURI, r.Host, r.Proto, r.Header, r.Trailer, length, hex.EncodeToString(sum.Sum(nil))})
}

// both sends each piece back before it asks for the next one.
func both(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // HTTP/2 is it anyway
	_ = control.Flush()
	piece := make([]byte, 1)
	for {
		if _, err := io.ReadFull(r.Body, piece); err != nil {
			return
		}
		_, _ = w.Write(piece)
		_ = control.Flush()
	}
}

// events sends an event at a time until the client has gone.
func (b *behaviour) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		fmt.Fprintf(w, "data: %d\n\n", n)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			b.told <- r.URL.Path
			return
		}
	}
}

// socket agrees to a WebSocket and sends back every byte, or refuses.
func (b *behaviour) socket(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "-refused") || r.Header.Get("Upgrade") != "websocket" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "not you")
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade, X-Hop\r\nX-Hop: 1\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		acceptOf(r.Header.Get("Sec-WebSocket-Key")))
	_, _ = io.Copy(conn, bufio.NewReader(buffered))
	b.told <- r.URL.Path
}

// counter is a source of bytes that differ from their neighbours.
type counter int64

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(*c ^ *c>>8 ^ *c>>16)
		*c++
	}
	return len(b), nil
}

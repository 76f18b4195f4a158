package upstream

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Mark is a header of every answer of an upstream. An answer without it never
// reached one.
const Mark = "X-Test-Upstream"

// Request is what arrived.
type Request struct {
	Method string
	// Target is the request target, byte for byte.
	Target string
	Host   string
	// Header has the names as net/http writes them: "X-Forwarded-User", but
	// "X_forwarded_user".
	Header http.Header
	Body   string
	// Length and Encoding are how the body was framed.
	Length   int64
	Encoding []string
	// Process is the one that answers.
	Process int
}

// Arrived is what ?seen tells of one request.
type Arrived struct{ Method, Target string }

// Handler answers every request with a Request in JSON. The query may ask for
// more:
//
//	header=NAME:VALUE  sets a header of the answer, and may be repeated
//	slow=DURATION      takes so long to answer
//	tunnel             agrees to whatever protocol is asked for
//	seen               tells instead what has arrived so far, the newest last
//
// A path that ends in "/ws" echoes the messages of a WebSocket.
func Handler() http.Handler {
	var mu sync.Mutex
	var seen []Arrived
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(Mark, "here")
		query := r.URL.Query()
		mu.Lock()
		before := seen
		seen = append(seen, Arrived{r.Method, r.RequestURI})
		mu.Unlock()
		switch {
		case query.Has("seen"):
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(before)
			return
		case strings.HasSuffix(r.URL.Path, "/ws"):
			echo(w, r)
			return
		case query.Has("tunnel"):
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", r.Header.Get("Upgrade"))
			w.WriteHeader(http.StatusSwitchingProtocols)
			return
		}
		if duration, err := time.ParseDuration(query.Get("slow")); err == nil {
			wait(r, duration)
		}
		for _, header := range query["header"] {
			name, value, _ := strings.Cut(header, ":")
			w.Header().Add(name, value)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(Request{
			Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header, Body: string(body),
			Length: r.ContentLength, Encoding: r.TransferEncoding, Process: os.Getpid(),
		})
	})
}

func wait(r *http.Request, duration time.Duration) {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// echo answers each message of a WebSocket with itself. The origin was the
// gate's to check.
func echo(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer socket.CloseNow()
	for {
		kind, message, err := socket.Read(r.Context())
		if err != nil {
			return
		}
		if err := socket.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}

package gate

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Verdict is the kind of a decision.
type Verdict int

const (
	// Refuse: answer with Status. The zero Verdict.
	Refuse Verdict = iota
	// Allow: forward to the route.
	Allow
	// Redirect: send the browser to Location.
	Redirect
	// Stopped: the server behind the path is not running; answer with Status and
	// offer SpawnURL.
	Stopped
)

// Decision is the answer of the gate. The zero Decision refuses.
type Decision struct {
	Verdict Verdict
	// Status of the answer; zero for Allow.
	Status int
	// Message for whoever reads the answer.
	Message string
	// Location of a Redirect.
	Location string
	// LoginURL is where credentials are had, told with 401 and 403.
	LoginURL string
	// SpawnURL is where a stopped server is started, with the way back.
	SpawnURL string
	// RetryAfter is told with 503, in whole seconds.
	RetryAfter time.Duration
	// Unconfirmed: the answer is 503 because a login could not be confirmed for too
	// long, which open WebSockets do not survive.
	Unconfirmed bool
	// JSON: the caller reads JSON. Otherwise a person waits for a page.
	JSON bool
}

// CloseTryAgain is the code with which a WebSocket is closed that may be opened
// again when trouble is over: "Try Again Later" in IANA's registry of close codes.
const CloseTryAgain = 1013

// Allowed tells whether the request may be forwarded.
func (d Decision) Allowed() bool { return d.Verdict == Allow }

// CloseCode is the code with which an open WebSocket has to be closed (RFC 6455,
// 7.4.1) when this is the decision about it now; ok is false if it may stay. It
// stays while the store is away: what was allowed is not refused for that.
func (d Decision) CloseCode() (code int, ok bool) {
	switch {
	case d.Unconfirmed:
		return CloseTryAgain, true
	case d.Verdict == Allow, d.Verdict == Refuse && d.Status == http.StatusServiceUnavailable:
		return 0, false
	case d.Verdict == Stopped:
		return 1001, true
	}
	return 1008, true
}

// Write answers a request that is not allowed. page renders the body of an answer
// for a person, status and headers are written when it is called; nil gives plain
// text. Calling Write for Allow is a mistake that it answers with 500.
func (d Decision) Write(w http.ResponseWriter, page func(http.ResponseWriter, Decision)) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Cookie, Authorization")
	if d.RetryAfter > 0 {
		seconds := (d.RetryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if d.Verdict == Allow || d.Status < 300 {
		d.Status, d.Message = http.StatusInternalServerError, "Internal Server Error"
	}
	switch {
	case d.Verdict == Redirect:
		h.Set("Location", d.Location)
		w.WriteHeader(d.Status)
	case d.JSON:
		d.writeJSON(w)
	case page == nil:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(d.Status)
		_, _ = w.Write([]byte(d.Message + "\n"))
	default:
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(d.Status)
		page(w, d)
	}
}

func (d Decision) writeJSON(w http.ResponseWriter) {
	body := struct {
		Status   int    `json:"status"`
		Message  string `json:"message"`
		LoginURL string `json:"login_url,omitempty"`
	}{d.Status, d.Message, d.LoginURL}
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if d.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(d.Status)
	_, _ = w.Write(data)
}

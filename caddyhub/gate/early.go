package gate

import "net/http"

// TooEarly tells whether a request that does more than read came before the TLS
// handshake had ended (0-RTT over HTTP/3). Somebody on the way may have recorded it
// and send it once more, so that the client has to repeat it by itself: 425 (RFC
// 8470, 5.2), which browsers do without asking. A WebSocket is one too.
func TooEarly(r *http.Request) bool {
	return r.TLS != nil && !r.TLS.HandshakeComplete && !isSafe(r.Method)
}

// RefuseEarly answers a request that came too early.
func RefuseEarly(w http.ResponseWriter) {
	Decision{Status: http.StatusTooEarly, Message: "Too Early", JSON: true}.Write(w, nil)
}

package gate

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTooEarly(t *testing.T) {
	early, late := &tls.ConnectionState{}, &tls.ConnectionState{HandshakeComplete: true}
	for method, unsafe := range map[string]bool{
		"GET": false, "HEAD": false, "OPTIONS": false, "POST": true, "PUT": true, "DELETE": true, "PATCH": true, "CONNECT": true, "get": true, "": true,
	} {
		r := &http.Request{Method: method, TLS: early}
		if TooEarly(r) != unsafe {
			t.Errorf("%s before the handshake: %v", method, !unsafe)
		}
		for _, r.TLS = range []*tls.ConnectionState{late, nil} {
			if TooEarly(r) {
				t.Errorf("%s after it, or without one, is too early", method)
			}
		}
	}
	w := httptest.NewRecorder()
	if RefuseEarly(w); w.Code != http.StatusTooEarly || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

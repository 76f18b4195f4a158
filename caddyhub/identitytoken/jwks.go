package identitytoken

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// PublishedFor is how long a JWKS may be kept before it is asked for again. It is
// far below the time for which a key is published before it signs.
const PublishedFor = 5 * time.Minute

// jwk is a public key (RFC 7517; RFC 7518, 6.2; RFC 8037, 2).
type jwk struct {
	Type      string    `json:"kty"`
	Use       string    `json:"use"`
	Algorithm Algorithm `json:"alg"`
	ID        string    `json:"kid"`
	Curve     string    `json:"crv"`
	X         string    `json:"x"`
	Y         string    `json:"y,omitempty"`
}

func publicKey(k *key) (jwk, error) {
	published := jwk{Use: "sig", Algorithm: k.algorithm, ID: k.id}
	switch public := k.private.Public().(type) {
	case *ecdsa.PublicKey:
		// 4, x and y, each as long as the curve wants it (SEC 1, 2.3.3).
		point, err := public.Bytes()
		if err != nil {
			return jwk{}, fmt.Errorf("identitytoken: %w", err)
		}
		half := len(point) / 2
		published.Type, published.Curve = "EC", public.Curve.Params().Name
		published.X, published.Y = encode(point[1:1+half]), encode(point[1+half:])
	case ed25519.PublicKey:
		published.Type, published.Curve, published.X = "OKP", "Ed25519", encode(public)
	default:
		return jwk{}, ErrAlgorithm
	}
	return published, nil
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// ServeHTTP answers with the JWKS: all keys that sign, will sign next, or have
// signed what may not have expired. It reads the store, so that a key which
// another node has just made is in it; while the store is away it tells what it
// knows, and if it knows nothing it answers 503.
func (k *Keys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	keys, err := k.read(r.Context())
	if err != nil {
		k.log.WarnContext(r.Context(), "signing keys not read", "error", err)
		known := k.known.Load()
		if known == nil {
			w.Header().Set("Retry-After", "5")
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
			return
		}
		keys = *known
	}
	document := struct {
		Keys []jwk `json:"keys"`
	}{Keys: make([]jwk, 0, len(keys))}
	for _, published := range keys {
		document.Keys = append(document.Keys, published.public)
	}
	body, err := json.Marshal(document)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/jwk-set+json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(PublishedFor/time.Second)))
	_, _ = w.Write(body)
}

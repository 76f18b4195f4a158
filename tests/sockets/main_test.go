// Package sockets_test opens WebSockets in streams of HTTP/2 (RFC 8441) and HTTP/3
// (RFC 9220) through the built binary, with real clients of these protocols, and
// looks at what a service behind the hub makes of them.
package sockets_test

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455, 4.2.2 asks for it
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/upstream"
)

func TestMain(m *testing.M) { upstream.Main(m) }

// below is where the service is, and app the same as an app behind reverse_proxy.
const (
	below = "/services/echo/"
	app   = "/app/"
)

// hub is a hub over TLS with a service of WebSockets that ada may use.
type hub struct {
	*hubtest.Hub
	ada *hubtest.Client
}

func start(t *testing.T, options hubtest.Options) *hub {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(service.Close)
	options.HTTPS = true
	options.Site = "hub_auth " + app + "* {\n\t\tallow authenticated\n\t}\n\treverse_proxy " + app + "* " + strings.TrimPrefix(service.URL, "http://")
	options.Spawner = upstream.Spawner(t) + "\n\t\t\t" + options.Spawner
	options.Hub = "service echo {\n\t\t\turl " + service.URL + "\n\t\t}\n\t\trole users {\n\t\t\tscopes access:services!service=echo\n\t\t\tusers ada\n\t\t}"
	h := &hub{Hub: hubtest.Start(t, options)}
	h.ada = h.LogIn("ada")
	return h
}

// serve is the service. It answers bytes with the same bytes, whatever frames they
// are; below "deaf" it reads nothing before the other side has gone, and below
// "goodbye" it says something when the other side has ended.
func serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "" {
		_, _ = io.Copy(io.Discard, r.Body)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	switch reader := bufio.NewReaderSize(buffered, 64<<10); {
	case strings.HasSuffix(r.URL.Path, "/deaf"):
		<-r.Context().Done()
	case strings.HasSuffix(r.URL.Path, "/goodbye"):
		said, _ := io.ReadAll(reader)
		fmt.Fprintf(conn, "heard %q", said)
	default:
		_, _ = io.Copy(conn, reader)
	}
}

// settings for TLS that trust the authority of the hub.
func (h *hub) settings(t *testing.T, protocol string) *tls.Config {
	t.Helper()
	transport, ok := h.ada.HTTP.Transport.(*http.Transport)
	if !ok {
		t.Fatal("clients of the hub have another transport")
	}
	config := transport.TLSClientConfig.Clone()
	config.ServerName, config.NextProtos = "localhost", []string{protocol}
	return config
}

// cookies are those that ada's browser sends to the service.
func (h *hub) cookies(t *testing.T) string {
	t.Helper()
	address, err := url.Parse(h.URL + below)
	if err != nil {
		t.Fatal(err)
	}
	var pairs []string
	for _, cookie := range h.ada.HTTP.Jar.Cookies(address) {
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	return strings.Join(pairs, "; ")
}

package chp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is the command line of the proxy without its options.
func (p *proxy) program() []string {
	at := len(p.command.Args)
	for i, argument := range p.command.Args {
		if argument == "--ip" {
			at = i
			break
		}
	}
	return p.command.Args[:at:at]
}

// path is what came first in its PATH.
func (p *proxy) path() string {
	for _, variable := range p.command.Env {
		if list, ok := strings.CutPrefix(variable, "PATH="); ok {
			first, _, _ := strings.Cut(list, string(filepath.ListSeparator))
			return first
		}
	}
	return ""
}

// rawAPI is raw for the API.
func (a *ask) rawAPI(request string) (status int, closed bool) {
	proxy := *a.proxy // their log is one
	proxy.address = proxy.api
	other := *a
	other.proxy, other.failures = &proxy, nil
	status, closed = other.raw(request)
	a.failures = append(a.failures, other.failures...)
	return status, closed
}

// identityFolder goes with the last test.
var identityFolder string

// identity is a certificate for this machine, made once.
var identity = sync.OnceValues(func() (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		panic(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	folder, err := os.MkdirTemp("", "chp-tls-")
	if err != nil {
		panic(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(folder, name)
		var text bytes.Buffer
		_ = pem.Encode(&text, &pem.Block{Type: kind, Bytes: content}) // a buffer takes all
		if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
			panic(err)
		}
		return path
	}
	identityFolder = folder
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", encoded)
})

func tlsOptions() []string {
	cert, key := identity()
	return []string{"--ssl-cert", cert, "--ssl-key", key}
}

// pidFile is there while the proxy runs.
func pidFile(c *ask) {
	path := filepath.Join(c.t.TempDir(), "pid")
	p := start(c.t, launch{program: c.proxy.program(), path: c.proxy.path(), options: []string{"--pid-file", path}})
	p.waitFor("Writing pid")
	read := func() string {
		text, _ := os.ReadFile(path)
		return strings.TrimSpace(string(text))
	}
	for range 100 {
		if read() != "" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.equal("pid", read(), strconv.Itoa(p.command.Process.Pid))
	p.end(syscall.SIGTERM)
	if _, err := os.Stat(path); err == nil {
		c.failf("the file is left")
	}
}

// link makes a link to our binary under the name of the original.
func link(t testing.TB, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "configurable-http-proxy")
	if err := os.Symlink(caddyhub, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// shortFolder is one in which the path of a socket is short enough.
func shortFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "chp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// overSocket is the same check over a Unix socket.
func overSocket(a *ask, path string) *ask {
	other := newAsk(a.t, a.proxy, a.patience)
	other.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	a.t.Cleanup(other.close)
	return other
}

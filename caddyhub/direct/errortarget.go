package direct

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

const (
	// errorTimeout bounds the asking for a page: a visitor who waits for an error
	// should not wait for long.
	errorTimeout = 10 * time.Second
	// maxErrorPage bounds a page, in bytes.
	maxErrorPage = 4 << 20
)

// ErrorTarget are pages that another server makes: for a refusal it is asked for
// STATUS?url=TARGET below its address, without any header of the visitor.
type ErrorTarget struct {
	target route.Target
	client *http.Client
	log    *slog.Logger
}

// NewErrorTarget makes pages of a server. Config is how it is verified if it is
// https; nil means by the roots of the system. The logger may be nil.
func NewErrorTarget(target route.Target, config *tls.Config, log *slog.Logger) *ErrorTarget {
	dialer := &net.Dialer{Timeout: errorTimeout}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, target.Network(), target.Address())
		},
		TLSClientConfig: config,
		// The page goes on as it is encoded, and no proxy of the environment is
		// between servers that stand together.
		DisableCompression: true,
		MaxIdleConns:       4,
		IdleConnTimeout:    time.Minute,
	}
	return &ErrorTarget{
		target: target,
		client: &http.Client{
			Transport: transport, Timeout: errorTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log: cmp.Or(log, slog.New(slog.DiscardHandler)),
	}
}

// Write writes what the other server answers, with our status.
func (e *ErrorTarget) Write(w http.ResponseWriter, r *http.Request, status int) {
	response, err := e.ask(r, status)
	if err != nil {
		e.log.ErrorContext(r.Context(), "Failed to get custom error page", "error", err)
		plain(w, status)
		return
	}
	defer response.Body.Close()
	w.Header()["Content-Type"] = nil
	for _, name := range []string{"Content-Type", "Content-Encoding"} {
		if value := response.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(status)
	_, _ = io.Copy(w, io.LimitReader(response.Body, maxErrorPage)) // the client may have gone
}

func (e *ErrorTarget) ask(r *http.Request, status int) (*http.Response, error) {
	path, query := split(r)
	address := e.address(status, path+query)
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	return e.client.Do(request)
}

// address is where the page for a status and a request target is.
func (e *ErrorTarget) address(status int, target string) string {
	address := e.target.Scheme() + "://" + e.target.Authority() + strings.TrimSuffix(e.target.Path(), "/") + "/" + strconv.Itoa(status) + "?"
	if query := e.target.Query(); query != "" {
		address += query + "&"
	}
	return address + "url=" + url.QueryEscape(target)
}

// Close closes the connections that are kept.
func (e *ErrorTarget) Close() { e.client.CloseIdleConnections() }

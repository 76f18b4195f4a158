package direct

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/proxy"
	"github.com/caddyhub/caddyhub/caddyhub/route"
)

// HealthPath is answered by the proxy itself, whatever routes there are.
const HealthPath = "/_chp_healthz"

// Forward sends a request on, see proxy.Proxy.Serve.
type Forward func(w http.ResponseWriter, r *http.Request, x *proxy.Exchange) error

// Metrics are told what has been done.
type Metrics interface {
	// RouteFound: a route was looked for; it took so long.
	RouteFound(took time.Duration)
	// Requested: a request has come, for a WebSocket or not.
	Requested(webSocket bool)
	// Answered: a request was answered with this status, by the upstream or here.
	Answered(status int)
}

// Options are what a Handler is made of. The zero value does what
// configurable-http-proxy does without options.
type Options struct {
	// OmitPrefix takes the path of the route off that of the request.
	OmitPrefix bool
	// OmitTargetPath leaves out path and query of the target.
	OmitTargetPath bool
	// ChangeOrigin sends the host of the target as Host. Otherwise it is the
	// client's, whatever the target is.
	ChangeOrigin bool
	// OmitForwarded sends no X-Forwarded-For, -Host, -Port and -Proto of ours. What
	// the client sent goes on.
	OmitForwarded bool
	// Trusted says whether a request comes from a proxy whose X-Forwarded headers
	// are true. Nil means that none does.
	Trusted func(r *http.Request) bool
	// Header are fields that replace those of the client, and Host.
	Header []proxy.Field
	// RewriteHost puts the Host of the request into a redirection of the upstream
	// to itself, and RewriteScheme, if not empty, this scheme.
	RewriteHost   bool
	RewriteScheme string
	// ClientTimeout ends a request without an answer when nothing has moved
	// between the client and here for so long. Zero means never. It does not hold
	// for WebSockets.
	ClientTimeout time.Duration
	// Pages are the bodies of refusals; nil means short ones of our own.
	Pages Pages
	// Metrics may be nil.
	Metrics Metrics
	// Log hears of every refusal, and, at the level debug, of every request that is
	// sent on. Its level is looked at once. Nil discards.
	Log *slog.Logger
}

// Handler sends requests to upstreams. Make one with New; it is safe for
// concurrent use.
type Handler struct {
	options Options
	log     *slog.Logger
	// host is what Header says that the Host is.
	host    string
	wrapped bool // answers have to be looked at
	debug   bool // requests are logged
}

// New makes a Handler.
func New(options Options) *Handler {
	if options.Trusted == nil {
		options.Trusted = func(*http.Request) bool { return false }
	}
	if options.Pages == nil {
		options.Pages = OwnPages{}
	}
	h := &Handler{
		options: options,
		log:     cmp.Or(options.Log, slog.New(slog.DiscardHandler)),
		wrapped: options.RewriteHost || options.RewriteScheme != "" || options.Metrics != nil || options.ClientTimeout > 0,
	}
	h.debug = h.log.Enabled(context.Background(), slog.LevelDebug)
	h.options.Header = slices.DeleteFunc(slices.Clone(options.Header), func(field proxy.Field) bool {
		if field.Name == "Host" {
			h.host = field.Value
		}
		return field.Name == "Host"
	})
	return h
}

// Serve answers a request, or sends it to the upstream of its route.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, table *route.Table, forward Forward) {
	if r.RequestURI == HealthPath {
		healthy(w)
		return
	}
	webSocket := gate.IsWebSocket(r)
	if h.options.Metrics != nil {
		h.options.Metrics.Requested(webSocket)
	}
	path, query := split(r)
	if err := checkPath(path); err != nil {
		h.refuse(w, r, http.StatusBadRequest, err)
		return
	}
	found, ok := h.find(table, r.Host, path)
	if !ok {
		h.refuse(w, r, http.StatusNotFound, nil)
		return
	}
	target := found.Target()
	if h.debug {
		h.log.DebugContext(r.Context(), fmt.Sprintf("PROXY %s %s to %s", kinds[webSocket], path, target))
	}
	x := &proxy.Exchange{Target: target.Origin(), Host: r.Host, Activity: found.Activity()}
	if h.options.ChangeOrigin {
		x.Host = target.Authority()
	}
	x.Host = cmp.Or(h.host, x.Host)
	x.RequestURI = h.requestURI(found, path, query)
	x.Header = h.fields(r)
	if err := h.forward(w, r, x, webSocket, forward); err != nil {
		h.failed(w, r, err)
	}
}

// kinds of requests in the log, by whether they open a WebSocket.
var kinds = map[bool]string{false: "WEB", true: "WS"}

func (h *Handler) find(table *route.Table, host, path string) (*route.Entry, bool) {
	if h.options.Metrics == nil {
		return table.Lookup(host, path)
	}
	begun := time.Now()
	defer func() { h.options.Metrics.RouteFound(time.Since(begun)) }()
	return table.Lookup(host, path)
}

func (h *Handler) forward(w http.ResponseWriter, r *http.Request, x *proxy.Exchange, webSocket bool, forward Forward) error {
	if !h.wrapped {
		return forward(w, r, x)
	}
	answer := &answer{ResponseWriter: w, handler: h, target: x.Target, host: r.Host}
	if h.options.ClientTimeout <= 0 || webSocket {
		return forward(answer, r, x)
	}
	return watched(answer, r, h.options.ClientTimeout, func(w http.ResponseWriter, r *http.Request) error { return forward(w, r, x) })
}

// failed answers for an upstream that did not.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	// Not the context of the request: it ends also when the rest of an upload is given
	// up because there is no upstream any more.
	if errors.Is(err, proxy.ErrClient) {
		panic(http.ErrAbortHandler) // nobody is left to be told
	}
	status := http.StatusServiceUnavailable
	if errors.Is(err, proxy.ErrRequest) {
		status = http.StatusBadRequest
	}
	h.refuse(w, r, status, err)
}

// refuse answers with a status and, unless it was an upgrade, with a page.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, reason error) {
	text := ""
	if reason != nil {
		text = reason.Error()
	}
	path, _ := split(r)
	h.log.ErrorContext(r.Context(), fmt.Sprintf("%d %s %s %s", status, r.Method, path, text))
	if h.options.Metrics != nil {
		h.options.Metrics.Answered(status)
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Header.Get("Upgrade") != "" {
		// Whoever asked for another protocol reads no page, and may have sent some
		// of that protocol already.
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(status)
		return
	}
	h.options.Pages.Write(w, r, status)
}

func healthy(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"OK"}`))
}

// Unavailable answers a request that came before any route was known. It is no
// page: the visitor will be asked to try again by whoever reads Retry-After.
func Unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "The routes are not known yet. Please try again in a moment.", http.StatusServiceUnavailable)
}

// split is the request target as path and query, the latter with its question
// mark, as they stand in the request.
func split(r *http.Request) (path, query string) {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") {
		target = r.URL.RequestURI()
	}
	if i := strings.IndexByte(target, '?'); i >= 0 {
		return target[:i], target[i:]
	}
	return target, ""
}

package appgate

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
)

// ErrAsked says that another proxy's question is not one: what it is about is
// missing, given twice, or contradictory. To the proxy this is a 400.
var ErrAsked = errors.New("the question names no request")

// Asked is the request that another proxy asks about.
//
// rest is what follows the address of the question, path and query as Envoy appends
// them; method and host are then those of the question itself. If it is empty they
// are in headers: X-Forwarded-Method, -Host and -Uri (Traefik, Caddy), or
// X-Original-Method and X-Original-URL, a whole URL (nginx). Where both kinds are
// there they must agree: one of them may come from a client.
//
// Only a proxy that is trusted may be believed any of it.
func Asked(r *http.Request, rest string) (*http.Request, error) {
	about := question{r.Method, r.Host, rest}
	if rest == "" {
		var err error
		if about, err = fromHeaders(r.Header); err != nil {
			return nil, err
		}
	}
	if !strings.HasPrefix(about.target, "/") || about.host == "" || about.method == "" {
		return nil, ErrAsked
	}
	address, err := url.ParseRequestURI(about.target)
	if err != nil {
		return nil, fmt.Errorf("%w: the path is malformed", ErrAsked)
	}
	asked := &http.Request{
		Method: about.method, Host: about.host, URL: address, RequestURI: about.target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: endToEnd(r.Header), RemoteAddr: r.RemoteAddr, TLS: r.TLS,
	}
	return asked.WithContext(r.Context()), nil
}

// question is what another proxy asks about.
type question struct{ method, host, target string }

// fromHeaders reads both kinds of headers.
func fromHeaders(h http.Header) (question, error) {
	var kinds []question
	var failed error
	one := func(name string) string {
		values := h[http.CanonicalHeaderKey(name)]
		if len(values) != 1 || values[0] == "" || strings.ContainsAny(values[0], ", \t") {
			failed = fmt.Errorf("%w: %s is not there once, with one value", ErrAsked, name)
			return ""
		}
		return values[0]
	}
	if len(h["X-Forwarded-Uri"]) > 0 {
		kinds = append(kinds, question{one("X-Forwarded-Method"), one("X-Forwarded-Host"), target(h, "X-Forwarded-Uri")})
	}
	if len(h["X-Original-Url"]) > 0 {
		host, rest, ok := split(target(h, "X-Original-Url"))
		if !ok {
			return question{}, fmt.Errorf("%w: X-Original-URL is no URL", ErrAsked)
		}
		kinds = append(kinds, question{one("X-Original-Method"), host, rest})
	}
	switch {
	case failed != nil:
		return question{}, failed
	case len(kinds) == 0:
		return question{}, fmt.Errorf("%w: neither X-Forwarded-Uri nor X-Original-URL is there", ErrAsked)
	case len(kinds) == 2 && kinds[0] != kinds[1]:
		return question{}, fmt.Errorf("%w: X-Forwarded-Uri and X-Original-URL contradict each other", ErrAsked)
	}
	return kinds[0], nil
}

// target is the value of a header that holds an address, if there is exactly one.
func target(h http.Header, name string) string {
	if values := h[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// split takes a URL apart, without reading what is in it.
func split(text string) (host, target string, ok bool) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found || scheme != "http" && scheme != "https" {
		return "", "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end <= 0 || rest[end] != '/' {
		return "", "", false
	}
	return rest[:end], rest[end:], true
}

// endToEnd are the headers of a question that belong to what it is about. Those
// between two proxies say nothing of it. A WebSocket is known by what is left.
func endToEnd(h http.Header) http.Header {
	kept := h.Clone()
	for _, name := range []string{"Connection", "Upgrade", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Http2-Settings"} {
		delete(kept, name)
	}
	if len(kept["Sec-Websocket-Key"]) > 0 || len(kept["Sec-Websocket-Version"]) > 0 {
		// Malformed ones are refused for it.
		kept["Connection"], kept["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	}
	return kept
}

// Style is how another proxy takes a no.
type Style int

const (
	// StyleAnswer: the answer goes to the client as it is (Traefik, Envoy, Caddy).
	StyleAnswer Style = iota
	// StyleStatus: the proxy understands 200, 401 and 403, and answers by itself
	// (nginx, HAProxy). The header X-Login-URL of a 401 says where to log in, on
	// the host of the hub.
	StyleStatus
)

// LoginURLHeader is where StyleStatus tells where to log in.
const LoginURLHeader = "X-Login-URL"

// Ask answers another proxy that asks whether to let a request pass: 200 after
// allowed has set the headers that the proxy copies, else what Serve would answer.
// What is open then is not closed later: a proxy asks once for each WebSocket. An
// error of allowed is answered 503.
func (g *Gate) Ask(w http.ResponseWriter, asked *http.Request, style Style, allowed func(h http.Header, visitor Visitor) error) {
	w.Header().Set("Cache-Control", "no-store")
	if style == StyleAnswer && g.Arrives(w, asked) {
		return
	}
	v := g.look(asked)
	decision := g.decide(v)
	g.tell(asked, v, decision)
	if !decision.Allowed() {
		g.deny(w, asked, v, decision, style)
		return
	}
	g.noteActivity(v)
	if g.options.Renew != nil && v.Identity != nil && v.Identity.Session != nil {
		g.options.Renew(asked.Context(), v.Visit)
	}
	if err := allowed(w.Header(), Visitor{who: v.Identity, gate: g, ctx: asked.Context()}); err != nil {
		g.report(asked.Context(), "visitor not told", err)
		unavailable.Write(w, nil)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (g *Gate) deny(w http.ResponseWriter, asked *http.Request, v *visit, decision gate.Decision, style Style) {
	if style == StyleAnswer {
		g.refuse(w, asked, v, decision)
		return
	}
	decision.JSON = true
	switch {
	case decision.Verdict == gate.Redirect:
		if !v.guest && !v.stranger {
			w.Header().Set(LoginURLHeader, decision.Location)
		}
		decision.Verdict, decision.Status, decision.Message = gate.Refuse, http.StatusUnauthorized, "Missing or invalid credentials."
	case decision.Status == http.StatusBadRequest:
		decision.Status = http.StatusForbidden
	}
	decision.Write(w, nil)
}

// unavailable answers when a visitor cannot be told of.
var unavailable = gate.Decision{
	Verdict: gate.Refuse, Status: http.StatusServiceUnavailable, JSON: true, RetryAfter: 5e9,
	Message: "The service is temporarily unavailable. Please try again.",
}

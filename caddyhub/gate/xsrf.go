package gate

import (
	"net/http"
	"slices"
)

// Area is what a request by cookie would reach; the rules for XSRF differ.
type Area int

const (
	// AreaServer is an upstream that gets the visitor's identity from the edge: a
	// single-user server, a service, a gated app. The zero Area, with the
	// strictest rules.
	AreaServer Area = iota
	// AreaAPI is the hub's REST API.
	AreaAPI
	// AreaPage is a page of the hub. Its GETs must have no effect that matters.
	AreaPage
	// AreaOwnOrigin is an upstream with an origin of its own: a gated site, or a
	// user's sub-domain. No other user's page shares it, so that coming from the
	// same origin is proof enough, and apps that know nothing of _xsrf work.
	AreaOwnOrigin
	// AreaData is what an upstream of AreaServer gives out of its user's own. A page
	// can read the pictures, scripts and styles that it loads from its own origin,
	// and every user's page is there, so that these need a proof too.
	AreaData
)

// XSRFRequired tells whether a request that a cookie speaks for must also carry a
// valid _xsrf token. Requests by token never need one. Rules of JupyterHub 5.5
// (section 4.3), with CVE-2026-40864 in mind: no-cors is no proof of anything.
//
//   - a WebSocket: no; its Origin is checked instead (Origins.Same)
//   - any method but GET, HEAD and OPTIONS: yes
//   - a page of the hub: no. HEAD and OPTIONS of the API: no
//   - a navigation, or a client that sends no Sec-Fetch-Mode: no
//   - a sub-resource (script, style, image, …) of a page of the same origin: no,
//     unless it is data
//   - an upstream with an origin of its own, and a request from there: no
//   - everything else: yes. That is fetch and XHR in every mode. Here the edge is
//     stricter than JupyterHub, which lets fetch with mode no-cors pass: on one
//     origin a page of one user could read another's files with it.
func XSRFRequired(r *http.Request, area Area, own Origins) bool {
	if IsWebSocket(r) {
		return false
	}
	if area == AreaOwnOrigin && ownPage(r, own) {
		return false
	}
	if !isSafe(r.Method) {
		return true
	}
	if area == AreaPage || area == AreaAPI && r.Method != http.MethodGet {
		return false
	}
	switch mode := single(r.Header, "Sec-Fetch-Mode"); mode {
	case "", "navigate":
		return false
	case "no-cors", "cors", "same-origin":
		return area == AreaData || single(r.Header, "Sec-Fetch-Site") != "same-origin" || !isSubresource(r.Header, mode)
	}
	return true
}

// ownPage tells whether a page of the same origin sent the request: its Origin
// says so, or, for reading, Sec-Fetch-Site, since browsers send no Origin then.
func ownPage(r *http.Request, own Origins) bool {
	if own.Same(r) {
		return true
	}
	return isSafe(r.Method) && len(r.Header["Origin"]) == 0 && single(r.Header, "Sec-Fetch-Site") == "same-origin"
}

// CheckXSRF is what Subject.XSRF wants to know about a request by cookie. valid
// verifies a token for the session and the prefix of the request; it is called
// only if a token is needed.
func CheckXSRF(r *http.Request, area Area, own Origins, valid func(token string) bool) XSRF {
	if !XSRFRequired(r, area, own) {
		return XSRFPassed
	}
	tokens := XSRFTokens(r)
	switch {
	case slices.ContainsFunc(tokens, valid):
		return XSRFPassed
	case len(tokens) > 0:
		return XSRFMismatch
	}
	return XSRFMissing
}

// isSubresource tells whether the browser loads a part of a page by itself. A
// browser that does not say what it loads is believed in mode no-cors only, which
// it uses for these.
func isSubresource(h http.Header, mode string) bool {
	switch single(h, "Sec-Fetch-Dest") {
	case "script", "style", "image", "font", "audio", "video", "track", "manifest",
		"worker", "sharedworker", "serviceworker", "audioworklet", "paintworklet", "xslt":
		return true
	case "":
		return mode == "no-cors"
	}
	return false
}

// XSRFTokens are the tokens that a request offers, from wherever JupyterHub
// accepts them: the headers X-XSRFToken and X-CSRFToken, the query, and the form,
// if the caller has parsed it. One valid token among them is enough.
func XSRFTokens(r *http.Request) []string {
	tokens := make([]string, 0, 2)
	tokens = append(tokens, r.Header["X-Xsrftoken"]...)
	tokens = append(tokens, r.Header["X-Csrftoken"]...)
	tokens = append(tokens, QueryValues(r.URL.RawQuery, "_xsrf")...)
	tokens = append(tokens, r.PostForm["_xsrf"]...)
	// An empty one is none, as for JupyterHub.
	tokens = slices.DeleteFunc(tokens, func(token string) bool { return token == "" })
	// More than a few are no browser's doing, and each costs a check.
	return tokens[:min(len(tokens), 8)]
}

// single is the value of a header that must come once; several are read as a
// value that nothing allows.
func single(h http.Header, name string) string {
	switch values := h[name]; len(values) {
	case 0:
		return ""
	case 1:
		return values[0]
	}
	return "ambiguous"
}

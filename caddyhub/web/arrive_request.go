package web

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/gate"
	"github.com/caddyhub/caddyhub/caddyhub/nexturl"
)

// offer is what a request has of a one-time token.
type offer struct {
	// there says that it has any; token is the one.
	there bool
	token string
	// clean is the address of the request without it.
	clean string
	// good says that there is one token, and that clean is a place on this site.
	good bool
	// form is the form that was posted; nil if there was none.
	form url.Values
}

// offer looks for a token in query, form and header. Several that differ are no
// token: which of them counts must not depend on who reads.
func (a *Arrivals) offer(r *http.Request) offer {
	o := offer{form: peekForm(r), clean: r.URL.EscapedPath()}
	var tokens []string
	if r.URL.RawQuery != "" {
		var rest string
		tokens, rest = takeParameter(r.URL.RawQuery, a.Parameter)
		if rest != "" {
			o.clean += "?" + rest
		}
	}
	tokens = append(tokens, o.form[a.Parameter]...)
	if a.Header != "" {
		tokens = append(tokens, r.Header.Values(a.Header)...)
	}
	o.there = len(tokens) > 0
	if !o.there {
		return o
	}
	o.token, o.good = tokens[0], true
	for _, other := range tokens[1:] {
		o.good = o.good && other == o.token
	}
	// The address becomes a Location: "//host/" must not lead there.
	clean, here := nexturl.Site{}.Clean(o.clean)
	o.clean, o.good = clean, o.good && here
	return o
}

// takeParameter takes a parameter out of a query and leaves all else as it is.
func takeParameter(query, name string) (values []string, rest string) {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(key); err != nil || plain != name {
			kept = append(kept, part)
			continue
		}
		plain, err := url.QueryUnescape(value)
		if err != nil {
			plain = "" // no token, and not to be passed on either
		}
		values = append(values, plain)
	}
	return values, strings.Join(kept, "&")
}

// maxTokenForm is how long a form may be that is looked into for a token, in bytes.
const maxTokenForm = 64 << 10

// peekForm reads a short form without taking it from whoever reads it next.
func peekForm(r *http.Request) url.Values {
	if r.Method != http.MethodPost || r.ContentLength <= 0 || r.ContentLength > maxTokenForm {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxTokenForm))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	if err != nil {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return form
}

// deliberate says whether a browser goes to a page, as far as it tells, or a
// program asks that is no browser. What a page loads by itself, be it a picture or
// a script, must not log anybody in.
func deliberate(r *http.Request) bool {
	if gate.IsWebSocket(r) || len(r.Header["Upgrade"]) > 0 {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "", "document", "iframe", "frame":
		return true
	}
	return false
}

// previews are programs that load links in order to show what is behind them, and
// say so. Those that do not cannot be told from a browser.
var previews = regexp.MustCompile(`(?i)\b(slackbot|slack-imgproxy|twitterbot|discordbot|telegrambot|linkedinbot|` +
	`facebookexternalhit|facebot|whatsapp|skypeuripreview|microsoftpreview|mattermost|rocket\.chat|zulipurlpreview|synapse|` +
	`redditbot|pinterestbot|embedly|iframely|googlebot|google-pagerenderer|bingbot|bingpreview|applebot|yandexbot|duckduckbot|` +
	`mastodon|misskey|signal-desktop|viber|line-poker|kakaotalk-scrap|safelinks|barracuda|mimecast)\b`)

// looksAhead says whether the request only wants to know what is there: HEAD, a
// browser that fetches a page before anybody asked for it, a preview of a link.
func (c *call) looksAhead() bool {
	if c.r.Method == http.MethodHead {
		return true
	}
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"} {
		if c.r.Header.Get(name) != "" {
			return true
		}
	}
	return previews.MatchString(c.r.Header.Get("User-Agent"))
}

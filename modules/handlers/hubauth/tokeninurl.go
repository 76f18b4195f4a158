package hubauth

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddyhub/caddyhub/caddyhub/edge"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// TokenInURL is one line token_in_url: for which requests it is, and what it says.
type TokenInURL struct {
	// MatcherSetsRaw are the requests that it is for, as in routes of Caddy.
	// Default: all.
	MatcherSetsRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`
	// Mode is "off" or "persist". off: a token in the URL of a page is worth nothing.
	// persist: ?token= with an API token that opens the server or service becomes a
	// grant for it: a cookie that no script reads, good below its path and nowhere
	// else, until the token ends or the browser is closed. The token leaves the URL.
	// Default: off.
	Mode string `json:"mode,omitempty"`

	matchers caddyhttp.MatcherSets
}

// tokenRules are lines token_in_url, of which the first that matches counts.
type tokenRules []*TokenInURL

// modes are what a line may say.
var modes = map[string]edge.TokenInURL{
	"": edge.TokenInURLOff, "off": edge.TokenInURLOff, "persist": edge.TokenInURLPersist,
}

func (r tokenRules) provision(ctx caddy.Context) error {
	for i, rule := range r {
		if rule == nil {
			return fmt.Errorf("hub_auth: token_in_url %d is null", i+1)
		}
		if _, known := modes[rule.Mode]; !known {
			return fmt.Errorf("hub_auth: token_in_url takes \"off\" or \"persist\", not %q", rule.Mode)
		}
		if len(rule.MatcherSetsRaw) == 0 {
			continue
		}
		loaded, err := ctx.LoadModule(rule, "MatcherSetsRaw")
		if err != nil {
			return fmt.Errorf("hub_auth: token_in_url: %w", err)
		}
		if err := rule.matchers.FromInterface(loaded); err != nil {
			return fmt.Errorf("hub_auth: token_in_url: %w", err)
		}
	}
	return nil
}

// persist says whether a token is worth something for any request.
func (r tokenRules) persist() bool {
	return slices.ContainsFunc(r, func(rule *TokenInURL) bool { return modes[rule.Mode] == edge.TokenInURLPersist })
}

// of is what counts for a request.
func (r tokenRules) of(request *http.Request) (edge.TokenInURL, error) {
	for _, rule := range r {
		if len(rule.matchers) > 0 {
			matches, err := rule.matchers.AnyMatchWithError(request)
			if err != nil {
				return edge.TokenInURLOff, err
			}
			if !matches {
				continue
			}
		}
		return modes[rule.Mode], nil
	}
	return edge.TokenInURLOff, nil
}

// ParseTokenInURL reads a line of a block in a Caddyfile:
//
//	token_in_url [<matcher>] off|persist
func ParseTokenInURL(h httpcaddyfile.Helper, into *[]*TokenInURL) words.Word {
	return words.Many(func(*caddyfile.Dispenser) error {
		rule := new(TokenInURL)
		if h.CountRemainingArgs() > 1 {
			matcher, is, err := h.MatcherToken()
			if err != nil {
				return h.WrapErr(err)
			}
			if !is {
				return h.Errf("token_in_url: %q is not a matcher: write a path, such as /user/ada/*, or a named matcher, such as @shared", h.Val())
			}
			if matcher != nil {
				rule.MatcherSetsRaw = caddyhttp.RawMatcherSets{matcher}
			}
		}
		text, err := mode(h)
		if err != nil {
			return err
		}
		rule.Mode = text
		if n := len(*into); n > 0 && len((*into)[n-1].MatcherSetsRaw) == 0 {
			return h.Errf("token_in_url: a line without a matcher stands last, since the first that matches counts")
		}
		*into = append(*into, rule)
		return nil
	})
}

func mode(h httpcaddyfile.Helper) (string, error) {
	args := h.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		return "", h.Errf("token_in_url takes \"off\" or \"persist\", before it a matcher if it is not for all")
	}
	if _, known := modes[args[0]]; !known {
		if near := words.Nearest(args[0], []string{"off", "persist"}); near != "" {
			return "", h.Errf("token_in_url: unknown word %q; did you mean %q?", args[0], near)
		}
		return "", h.Errf("token_in_url takes \"off\" or \"persist\", not %q", args[0])
	}
	return args[0], nil
}

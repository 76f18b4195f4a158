package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/claims"
	"github.com/caddyhub/caddyhub/caddyhub/authenticator/codeflow"
)

// maxPages bounds how many pages of a list are read: with a hundred entries on each
// as many as claims.MaxTexts.
const maxPages = 10

// errUnknownToken says that the site does not know the access token, or any more.
var errUnknownToken = errors.New("the site does not know the access token")

// api asks in the name of one user.
type api struct {
	client *http.Client
	// base is the address without a slash at the end.
	base        string
	accessToken string
}

// ask returns an answer with one of these statuses. 401 is errUnknownToken, anything
// else authenticator.ErrUnavailable.
func (f api) ask(ctx context.Context, address string, statuses ...int) (codeflow.Answer, error) {
	answer, err := codeflow.Fetch(ctx, f.client, address, f.accessToken)
	if err != nil {
		return answer, err
	}
	if answer.Status == http.StatusUnauthorized {
		return answer, fmt.Errorf("%w: %w", authenticator.ErrUnavailable, errUnknownToken)
	}
	for _, status := range statuses {
		if answer.Status == status {
			return answer, nil
		}
	}
	asked := "the API"
	if parsed, err := url.Parse(address); err == nil {
		asked = parsed.Host + parsed.Path
	}
	return answer, answer.Unexpected(asked)
}

// object asks for one JSON object.
func (f api) object(ctx context.Context, address string) (claims.Claims, error) {
	answer, err := f.ask(ctx, address, http.StatusOK)
	if err != nil {
		return nil, err
	}
	found, err := claims.Parse(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", authenticator.ErrUnavailable, err)
	}
	return found, nil
}

// list reads all pages of a list of JSON objects, at a path below the base. items
// finds the entries and the next page in an answer; nil is for sites whose answer is
// the list, and whose header Link has the next page.
func (f api) list(ctx context.Context, path string, items func(codeflow.Answer) ([]claims.Claims, string, error)) ([]claims.Claims, error) {
	if items == nil {
		items = plainList
	}
	first := f.base + path
	var all []claims.Claims
	for address, page := first, 0; address != ""; page++ {
		if page == maxPages || !sameSite(first, address) {
			return nil, fmt.Errorf("%w: the list at %s has too many pages, or one on another site", authenticator.ErrUnavailable, path)
		}
		answer, err := f.ask(ctx, address, http.StatusOK)
		if err != nil {
			return nil, err
		}
		entries, next, err := items(answer)
		if err != nil {
			return nil, fmt.Errorf("%w: the list at %s: %w", authenticator.ErrUnavailable, path, err)
		}
		all, address = append(all, entries...), next
	}
	return all, nil
}

func plainList(answer codeflow.Answer) ([]claims.Claims, string, error) {
	list, err := objects(answer.Body)
	return list, nextLink(answer.Header["Link"]), err
}

func objects(data []byte) ([]claims.Claims, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, errors.New("it is no list")
	}
	list := make([]claims.Claims, len(raw))
	for i, text := range raw {
		var err error
		if list[i], err = claims.Parse(text); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// nextLink finds the next page in Link headers (RFC 8288).
func nextLink(headers []string) string {
	for _, link := range strings.Split(strings.Join(headers, ","), ",") {
		address, parameters, _ := strings.Cut(strings.TrimSpace(link), ">")
		for parameter := range strings.SplitSeq(parameters, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if strings.EqualFold(name, "rel") && strings.Trim(value, `"`) == "next" {
				return strings.TrimPrefix(address, "<")
			}
		}
	}
	return ""
}

// sameSite keeps the access token from going where an answer says.
func sameSite(first, next string) bool {
	a, errA := url.Parse(first)
	b, errB := url.Parse(next)
	return errA == nil && errB == nil && a.Scheme == b.Scheme && a.Host == b.Host && b.User == nil
}

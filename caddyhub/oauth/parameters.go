package oauth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

const (
	// maxQuery bounds the query of an authorization request, in bytes. It has to
	// pass through login as next, whose limit is of the same size.
	maxQuery = 4096
	// maxTokenForm bounds the form of a token request, in bytes.
	maxTokenForm = 64 << 10
	// maxConsentForm bounds the consent form, in bytes: a list of scopes.
	maxConsentForm = 256 << 10
)

var (
	errEncoding    = errors.New("malformed parameters")
	errTooLong     = errors.New("too long")
	errContentType = errors.New("not a form")
)

// parameters are those of one request, from one place.
type parameters struct{ values url.Values }

// parseParameters reads a query or a form. It accepts no malformed escapes, no
// semicolons and nothing but UTF-8: what another reader could read differently
// is refused.
func parseParameters(raw string) (parameters, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return parameters{}, errEncoding
	}
	for name, list := range values {
		if !utf8.ValidString(name) || slices.ContainsFunc(list, notUTF8) {
			return parameters{}, errEncoding
		}
	}
	return parameters{values}, nil
}

func notUTF8(text string) bool { return !utf8.ValidString(text) }

// get is the value of a parameter that comes at most once; an empty value is an
// absent one (RFC 6749, 3.1).
func (p parameters) get(name string) string { return p.values.Get(name) }

// duplicate returns the first of the names that comes more than once.
func (p parameters) duplicate(names []string) (name string, found bool) {
	i := slices.IndexFunc(names, func(name string) bool { return len(p.values[name]) > 1 })
	if i < 0 {
		return "", false
	}
	return names[i], true
}

// all are the values of a parameter that may come often.
func (p parameters) all(name string) []string { return p.values[name] }

// readForm reads the body of a POST as a form of at most limit bytes. The error
// is errContentType, errTooLong or errEncoding, or one of the connection.
func readForm(w http.ResponseWriter, r *http.Request, limit int64) (parameters, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return parameters{}, errContentType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		return parameters{}, errTooLong
	}
	if err != nil {
		return parameters{}, err
	}
	return parseParameters(string(body))
}

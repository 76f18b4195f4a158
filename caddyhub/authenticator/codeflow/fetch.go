package codeflow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/version"
)

const (
	// RequestTimeout bounds one request to a provider, the answer included.
	RequestTimeout = 10 * time.Second
	// MaxBody bounds an answer in bytes: a list of a thousand groups fits easily.
	MaxBody = 1 << 20
)

// NewHTTP makes the client for everything that is asked of a provider.
func NewHTTP() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = RequestTimeout
	return &http.Client{
		Transport: bounded{transport}, Timeout: RequestTimeout,
		// A redirect of a token request would hand the secret to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts long answers short.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = &cut{ReadCloser: response.Body, left: MaxBody}
	}
	return response, err
}

type cut struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (c *cut) Read(into []byte) (int, error) {
	if c.left <= 0 {
		return 0, errLong
	}
	n, err := c.ReadCloser.Read(into[:min(len(into), c.left)])
	c.left -= n
	return n, err
}

var errLong = errors.New("the answer is longer than 1 MiB")

// Answer is what an API of a provider answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Type is the media type of the body, without parameters.
func (a Answer) Type() string {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return kind
}

// Fetch asks an API of a provider in the name of whom the access token belongs to.
// An error is that of the context or wraps authenticator.ErrUnavailable; every
// status is an answer.
func Fetch(ctx context.Context, client *http.Client, address, accessToken string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Answer{}, Unavailable("asking an API", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "caddyhub/"+version.Release)
	request.Header.Set("Authorization", "Bearer "+accessToken)
	response, err := client.Do(request)
	if err == nil {
		defer response.Body.Close()
		answer := Answer{Status: response.StatusCode, Header: response.Header}
		if answer.Body, err = io.ReadAll(response.Body); err == nil {
			return answer, nil
		}
	}
	if ctx.Err() != nil {
		return Answer{}, ctx.Err()
	}
	return Answer{}, Unavailable("asking "+request.URL.Host, err)
}

// Unexpected is the error for an answer with a status that says nothing about the
// person.
func (a Answer) Unexpected(asked string) error {
	return fmt.Errorf("%w: %s answered %d", authenticator.ErrUnavailable, asked, a.Status)
}

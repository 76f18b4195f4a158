package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	// DefaultTimeout is how long a portal may take to answer.
	DefaultTimeout = 10 * time.Second
	// remembered is for how long a token that a portal has accepted is refused the
	// second time, should the portal accept it again.
	remembered = 24 * time.Hour
	// maxAnswer bounds the portal's answer, in bytes.
	maxAnswer = 256 << 10
	// maxConnections bounds how many tokens are asked about at once; others wait
	// until the time is over.
	maxConnections = 32
)

// OpaqueOptions say where a portal is asked. URL is required.
type OpaqueOptions struct {
	// URL that a token is posted to.
	URL string
	// Header is sent along: the credentials of the hub at the portal.
	Header http.Header
	// Timeout bounds one question; zero is DefaultTimeout.
	Timeout time.Duration
	// Transport makes the connections; nil is one of our own.
	Transport http.RoundTripper
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Opaque are tokens that mean something to the portal alone. The question is that
// of JupyterHub's forced login: POST {"token": "..."} as JSON. The answer 200 has a
// JSON object that says who it is. 400 means that the token has expired, 404 (and
// 410) that there is none; everything else is trouble of the portal.
type Opaque struct {
	options OpaqueOptions
	client  *http.Client
}

// NewOpaque checks the options.
func NewOpaque(o OpaqueOptions) (*Opaque, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, errors.New("exchange: the address that tokens are redeemed at begins with https:// or http:// and a host, without credentials")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxConnsPerHost = maxConnections
		o.Transport = transport
	}
	return &Opaque{options: o, client: &http.Client{
		Transport: o.Transport, Timeout: o.Timeout,
		// Wherever it leads, the token was not meant for there.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (o *Opaque) redeem(ctx context.Context, token string) (worth, error) {
	question, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		return worth{}, refuse("it is no text")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.options.URL, bytes.NewReader(question))
	if err != nil {
		return worth{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if o.options.Header != nil {
		request.Header = o.options.Header.Clone()
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := o.client.Do(request)
	if err != nil {
		return worth{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest:
		return worth{}, fmt.Errorf("%w: the portal says so", ErrExpired)
	case http.StatusNotFound, http.StatusGone:
		return worth{}, refuse("the portal does not know it")
	default:
		return worth{}, fmt.Errorf("%w: it answers %d", ErrUnavailable, response.StatusCode)
	}
	claims, err := readAnswer(response.Body)
	if err != nil {
		return worth{}, err
	}
	return worth{claims: claims, name: []string{"opaque", token}, until: o.options.Now().Add(remembered)}, nil
}

func readAnswer(body io.Reader) (claims map[string]any, err error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("%w: its answer is longer than 256 KiB", ErrUnavailable)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&claims) != nil || claims == nil || decoder.More() {
		return nil, fmt.Errorf("%w: its answer is no JSON object", ErrUnavailable)
	}
	return claims, nil
}

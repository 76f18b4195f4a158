package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// fresh is how long keys serve before the set is read again, so that one that
	// was withdrawn is gone after this.
	fresh = 10 * time.Minute
	// pause is the least time between two fetches. It bounds what tokens with
	// invented key ids, or a set that is down, can make us ask for.
	pause = 10 * time.Second
	// fetchTimeout bounds one fetch, and with it how long a request waits for it.
	fetchTimeout = 5 * time.Second
	// defaultMaxStale is what Options.MaxStale is if it is zero.
	defaultMaxStale = 6 * time.Hour
)

// remote is a key set at a URL, read when it is needed and remembered.
type remote struct {
	url      string
	client   *http.Client
	maxStale time.Duration
	now      func() time.Time
	log      *slog.Logger

	fetching chan struct{} // holds one while somebody fetches

	mu     sync.Mutex // guards what follows
	keys   keySet
	read   time.Time // when keys were read; zero: never
	tried  time.Time // when the last fetch began; zero: never
	failed bool      // the last fetch did
}

func newRemote(o Options) (*remote, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("jwks: the URL of a key set begins with https:// or http:// and a host")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		o.Log.Warn("keys are fetched without encryption: whoever is in between can log in as anybody",
			slog.String("url", u.Redacted()))
	}
	r := &remote{
		url: o.URL, client: o.Client, maxStale: o.MaxStale, now: o.Now, log: o.Log,
		fetching: make(chan struct{}, 1),
	}
	if r.maxStale == 0 {
		r.maxStale = defaultMaxStale
	}
	if r.client == nil {
		r.client = &http.Client{CheckRedirect: sameHost}
	}
	return r, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameHost keeps a redirect from choosing whose keys are trusted.
func sameHost(r *http.Request, via []*http.Request) error {
	if first := via[0].URL; len(via) > 3 || r.URL.Scheme != first.Scheme || r.URL.Host != first.Host {
		return errors.New("the redirect leads elsewhere")
	}
	return nil
}

func (r *remote) find(ctx context.Context, id, algorithm string) ([]jwt.VerificationKey, error) {
	found, due := r.known(id, algorithm)
	// Whoever lacks a key also waits for a fetch that is under way.
	if due || len(found) == 0 {
		if err := r.fetchOnce(ctx, id, algorithm); err != nil {
			return nil, err
		}
		found, _ = r.known(id, algorithm)
	}
	if len(found) == 0 && r.down() {
		return nil, fmt.Errorf("%w: it may have the key by now", ErrUnavailable)
	}
	return found, nil
}

// known returns the keys that fit, and whether the set is due to be read: it is
// old, or has no key that fits, and the pause is over.
func (r *remote) known(id, algorithm string) (found []jwt.VerificationKey, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if !r.read.IsZero() && now.Sub(r.read) <= r.maxStale {
		found = r.keys.fitting(id, algorithm)
	}
	wanted := len(found) == 0 || now.Sub(r.read) > fresh
	return found, wanted && (r.tried.IsZero() || now.Sub(r.tried) >= pause)
}

func (r *remote) down() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// fetchOnce reads the set unless somebody else just did. It fails only with the
// context: whether the fetch worked, the keys say.
func (r *remote) fetchOnce(ctx context.Context, id, algorithm string) error {
	select {
	case r.fetching <- struct{}{}:
		defer func() { <-r.fetching }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, due := r.known(id, algorithm); !due {
		return nil
	}
	r.mu.Lock()
	r.tried = r.now()
	r.mu.Unlock()
	// A client that hangs up must not fail the fetch for those who wait for it.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	defer cancel()
	set, err := r.fetch(bounded)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed = err != nil; r.failed {
		r.log.LogAttrs(ctx, slog.LevelWarn, "key set not fetched", slog.Any("error", err),
			slog.Time("keys_from", r.read))
		return nil
	}
	r.keys, r.read = set, r.now()
	return nil
}

func (r *remote) fetch(ctx context.Context) (keySet, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxSet+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxSet {
		return nil, errors.New("the key set is larger than 512 KiB")
	}
	return parseSet(body)
}

package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Defaults of the connection, short enough that a few tries fit into the
// timeout of a call. The URL can set each of them.
const (
	dialTimeout = time.Second
	readTimeout = 3 * time.Second
	maxRetries  = 2
)

// newClient makes a client of the kind that the URL asks for.
func newClient(address string) (redis.UniversalClient, error) {
	parsed, err := url.Parse(address)
	if err != nil || address == "" {
		return nil, invalidURL(err)
	}
	query := parsed.Query()
	cluster := query.Get("cluster") == "true"
	query.Del("cluster")
	parsed.RawQuery = query.Encode()
	switch {
	case query.Has("master_name"):
		return newFailoverClient(parsed.String())
	case cluster:
		return newClusterClient(parsed.String())
	default:
		return newStandaloneClient(parsed.String())
	}
}

func newStandaloneClient(address string) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, invalidURL(err)
	}
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	setDefault(&o.MaxRetries, maxRetries)
	setDefault(&o.DialerRetries, 1)
	setDefault(&o.DialTimeout, dialTimeout)
	setDefault(&o.ReadTimeout, readTimeout)
	atLeastTLS12(o.TLSConfig)
	return redis.NewClient(o), nil
}

func newFailoverClient(address string) (redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(address)
	if err != nil {
		return nil, invalidURL(err)
	}
	o.ContextTimeoutEnabled = true
	// A replica lags behind; transactions must read from the master.
	o.ReplicaOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
	setDefault(&o.MaxRetries, maxRetries)
	setDefault(&o.DialerRetries, 1)
	setDefault(&o.DialTimeout, dialTimeout)
	setDefault(&o.ReadTimeout, readTimeout)
	atLeastTLS12(o.TLSConfig)
	return redis.NewFailoverClient(o), nil
}

func newClusterClient(address string) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(address)
	if err != nil {
		return nil, invalidURL(err)
	}
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	// A replica lags behind; transactions must read from the master.
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
	setDefault(&o.MaxRetries, maxRetries)
	setDefault(&o.DialerRetries, 1)
	setDefault(&o.DialTimeout, dialTimeout)
	setDefault(&o.ReadTimeout, readTimeout)
	atLeastTLS12(o.TLSConfig)
	return redis.NewClusterClient(o), nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func atLeastTLS12(config *tls.Config) {
	if config != nil {
		config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	}
}

// invalidURL says what is wrong with a URL without repeating it, because it
// may hold a password.
func invalidURL(err error) error {
	var parse *url.Error
	if err == nil || errors.As(err, &parse) {
		return fmt.Errorf("%w: redis URL: want redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH", store.ErrInvalid)
	}
	return fmt.Errorf("%w: redis URL: %w", store.ErrInvalid, err)
}

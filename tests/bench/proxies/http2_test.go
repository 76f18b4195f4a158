package proxies

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// multiplexed asks for 1 KB over a few connections with several streams each.
func (c *contender) multiplexed(connections, streams int) func(context.Context, time.Duration) (measure.Answers, error) {
	return func(ctx context.Context, duration time.Duration) (measure.Answers, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var requests atomic.Int64
		var group sync.WaitGroup
		start := time.Now()
		for range connections {
			transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: c.tls("h2"), MaxConnsPerHost: 1}
			defer transport.CloseIdleConnections()
			for range streams {
				group.Go(func() {
					for time.Since(start) < duration && ctx.Err() == nil {
						if err := c.ask(ctx, transport); err != nil {
							cancel(err)
							return
						}
						requests.Add(1)
					}
				})
			}
		}
		group.Wait()
		return measure.Answers{Requests: int(requests.Load()), Elapsed: time.Since(start)}, context.Cause(ctx)
	}
}

// ask sends one request over HTTP/2 and reads the answer to its end.
func (c *contender) ask(ctx context.Context, transport *http.Transport) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.host+":"+c.port+c.path+smallPath, nil)
	if err != nil {
		return err
	}
	for _, field := range c.fields {
		request.Header.Set(field[0], field[1])
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		return fmt.Errorf("%s: %s %s", c.name, response.Proto, response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// speaksHTTP2 says whether a contender offers HTTP/2.
func (c *contender) speaksHTTP2(ctx context.Context) bool {
	dialer := tls.Dialer{Config: c.tls("h2", "http/1.1")}
	connection, err := dialer.DialContext(ctx, "tcp", "127.0.0.1:"+c.port)
	if err != nil {
		return false
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2"
}

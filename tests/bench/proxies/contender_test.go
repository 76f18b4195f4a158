package proxies

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// The cores that contenders, and the load with its upstream, run on.
const (
	contendersCore = 0
	loadCore       = 1
)

// contender is a program that is compared.
type contender struct {
	name string
	// pid is the process, with its descendants but for the upstream.
	pid int
	// upstream is the process that answers. A hub has started it.
	upstream int
	// host and port it listens on, over TLS or not.
	host, port string
	secure     bool
	// path of the upstream.
	path string
	// fields of the header of every request: those of a page in a browser.
	fields [][2]string
	// admin is the socket of Caddy's admin endpoint; empty if there is none.
	admin string
}

func (c *contender) pids() []int { return measure.Tree(c.pid, c.upstream) }

// request is a request for what the upstream has.
func (c *contender) request(what, header string) []byte {
	text := fmt.Appendf(nil, "GET %s%s HTTP/1.1\r\nHost: %s\r\n", c.path, what, net.JoinHostPort(c.host, c.port))
	for _, field := range c.fields {
		text = fmt.Appendf(text, "%s: %s\r\n", field[0], field[1])
	}
	return append(text, header+"\r\n"...)
}

func (c *contender) dial(ctx context.Context) (net.Conn, error) {
	address := net.JoinHostPort("127.0.0.1", c.port)
	if !c.secure {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	dialer := tls.Dialer{Config: c.tls("http/1.1")}
	return dialer.DialContext(ctx, "tcp", address)
}

// tls trusts everybody: certificates are made up for the comparison.
func (c *contender) tls(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: c.host, NextProtos: protocols} //nolint:gosec // see above
}

// load asks for one thing over and over.
func (c *contender) load(what string, connections, rate int) measure.Load {
	return measure.Load{
		Dial: c.dial, Requests: [][]byte{c.request(what, "")}, Status: 200,
		Connections: connections, Rate: rate,
	}
}

// profile saves where the time of one kind of request goes, and what is in memory,
// if the environment names a folder for that.
func (c *contender) profile(b *testing.B, what string) {
	b.Helper()
	folder := os.Getenv("CADDYHUB_BENCH_PROFILES")
	if folder == "" || c.admin == "" {
		return
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = c.load(what, 64, 0).Run(ctx, time.Minute) // ends with the context
	}()
	for kind, path := range map[string]string{"profile?seconds=3": c.name + ".cpu", "heap?gc=1": c.name + ".heap"} {
		if err := measure.SaveProfile(ctx, c.admin, kind, filepath.Join(folder, path)); err != nil {
			b.Error(err)
		}
	}
	cancel()
	<-ended
}

func (c *contender) measured(run func(context.Context, time.Duration) (measure.Answers, error)) measure.Contender {
	return measure.Contender{Name: c.name, Processes: []int{c.pid}, Helpers: []int{c.upstream}, Run: run}
}

// each makes what is compared out of all contenders.
func each(contenders []*contender, run func(c *contender) func(context.Context, time.Duration) (measure.Answers, error)) []measure.Contender {
	all := make([]measure.Contender, len(contenders))
	for i, c := range contenders {
		all[i] = c.measured(run(c))
	}
	return all
}

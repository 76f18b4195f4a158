package proxies

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455, 4.2.2 asks for it
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// socketKey is the same for all: nothing depends on it.
const socketKey = "dGhlIHNhbXBsZSBub25jZQ=="

// message is one frame of a client, 100 bytes under a mask of zeros.
var message = append([]byte{0x82, 0x80 | 100, 0, 0, 0, 0}, strings.Repeat("m", 100)...)

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	return base64.StdEncoding.EncodeToString(sum[:])
}

// open opens a WebSocket through a contender.
func (c *contender) open(ctx context.Context) (net.Conn, error) {
	connection, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	upgrade := "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + socketKey + "\r\n"
	if _, err := connection.Write(c.request(socketPath, upgrade)); err != nil {
		return nil, err
	}
	// Read byte by byte: what follows the head belongs to the socket.
	var head strings.Builder
	one := make([]byte, 1)
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		if _, err := io.ReadFull(connection, one); err != nil {
			return nil, fmt.Errorf("%w after %q", err, head.String())
		}
		head.Write(one)
	}
	if !strings.HasPrefix(head.String(), "HTTP/1.1 101") {
		return nil, fmt.Errorf("no WebSocket: %s", head.String())
	}
	return connection, nil
}

// sockets opens many WebSockets, which the caller closes.
func (c *contender) sockets(ctx context.Context, count int) ([]net.Conn, error) {
	opened := make([]net.Conn, 0, count)
	for range count {
		connection, err := c.open(ctx)
		if err != nil {
			closeAll(opened)
			return nil, fmt.Errorf("%s: WebSocket %d: %w", c.name, len(opened), err)
		}
		opened = append(opened, connection)
	}
	return opened, nil
}

func closeAll(connections []net.Conn) {
	for _, connection := range connections {
		_ = connection.Close() // nothing is left to lose
	}
}

// perSocket is what one WebSocket takes over which nothing is sent, in bytes.
type perSocket struct {
	// resident is what the system has given to the processes (RSS), garbage included
	// where memory is collected.
	resident float64
	// used are objects and stacks after a garbage collection; only of those that can
	// be asked.
	used float64
}

// idle is the difference between few and many WebSockets.
func (c *contender) idle(ctx context.Context, few, many int) (perSocket, error) {
	warm, err := c.sockets(ctx, few)
	if err != nil {
		return perSocket{}, err
	}
	defer closeAll(warm)
	before := c.settled(ctx)
	usedBefore, err := c.used(ctx)
	if err != nil {
		return perSocket{}, err
	}
	more, err := c.sockets(ctx, many-few)
	if err != nil {
		return perSocket{}, err
	}
	defer closeAll(more)
	after := c.settled(ctx)
	used, err := c.used(ctx)
	count := float64(many - few)
	return perSocket{float64(after-before) / count, float64(used-usedBefore) / count}, err
}

// used is what is in memory after a garbage collection; 0 of those that cannot be
// asked.
func (c *contender) used(ctx context.Context) (bytes int64, err error) {
	if c.admin == "" {
		return 0, nil
	}
	folder, err := os.MkdirTemp("", "heap")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "heap")
	if err := measure.SaveProfile(ctx, c.admin, "heap?gc=1&debug=1", path); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var value int64
		for _, form := range []string{"# HeapAlloc = %d", "# Stack = %d"} {
			if _, err := fmt.Sscanf(line, form, &value); err == nil {
				bytes += value
			}
		}
	}
	return bytes, nil
}

// rest is how long nothing happens before memory is looked at: what opening
// connections has left behind is not what idle ones cost, and programs give it back
// in their own time.
const rest = 15 * time.Second

// settled is the memory of a contender once it changes no more.
func (c *contender) settled(ctx context.Context) int64 {
	select {
	case <-time.After(rest):
	case <-ctx.Done():
	}
	last := int64(-1)
	for range 20 {
		now := measure.RSS(c.pids()...)
		if last >= 0 && now-last < 64<<10 && last-now < 64<<10 {
			return now
		}
		last = now
		select {
		case <-ctx.Done():
			return last
		case <-time.After(500 * time.Millisecond):
		}
	}
	return last
}

// echoes sends messages over a number of WebSockets, one at a time on each, and
// waits for each to come back.
func (c *contender) echoes(count int) func(context.Context, time.Duration) (measure.Answers, error) {
	return func(ctx context.Context, duration time.Duration) (measure.Answers, error) {
		sockets, err := c.sockets(ctx, count)
		if err != nil {
			return measure.Answers{}, err
		}
		defer closeAll(sockets)
		requests, errs := make([]int, count), make([]error, count)
		var group sync.WaitGroup
		start := time.Now()
		for i, socket := range sockets {
			group.Go(func() {
				requests[i], errs[i] = chat(socket, start.Add(duration))
			})
		}
		group.Wait()
		answers := measure.Answers{Elapsed: time.Since(start)}
		for i := range sockets {
			if errs[i] != nil {
				return measure.Answers{}, errs[i]
			}
			answers.Requests += requests[i]
		}
		return answers, nil
	}
}

func chat(socket net.Conn, until time.Time) (count int, err error) {
	reader := bufio.NewReader(socket)
	for time.Now().Before(until) {
		if _, err := socket.Write(message); err != nil {
			return count, err
		}
		if _, err := reader.Discard(len(message) - 4); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

package measure

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Load is requests over keep-alive connections, all of which are there before
// the first request is sent.
type Load struct {
	// Network and Address as for net.Dial; Network is "tcp" if empty.
	Network, Address string
	// Dial opens a connection in place of net.Dial, for TLS; nil for plain ones.
	Dial func(ctx context.Context) (net.Conn, error)
	// Requests are sent by turns, byte for byte as they are here.
	Requests [][]byte
	// Status is what every answer must have.
	Status int
	// Connections at once; each waits for an answer before it sends the next
	// request. Zero means 16.
	Connections int
	// Rate is how many requests a second are sent in all, evenly spread; a
	// latency is then counted from the time at which a request was due, so that
	// a server that stalls is charged for all that had to wait. Zero means as
	// many as the server answers.
	Rate int
}

// Answers is what a Load got.
type Answers struct {
	Requests int
	Bytes    int64
	Elapsed  time.Duration
	// latencies of all requests, sorted.
	latencies []time.Duration
}

// Latency is the time within which a share of the answers came: 0.5 for the
// median, 0.99 for the slowest in a hundred.
func (a Answers) Latency(share float64) time.Duration {
	if len(a.latencies) == 0 {
		return 0
	}
	return a.latencies[min(int(share*float64(len(a.latencies))), len(a.latencies)-1)]
}

// Run sends the load for a time. The first answer that is not the expected one
// ends it with an error.
func (l Load) Run(ctx context.Context, duration time.Duration) (Answers, error) {
	clients, err := l.connect(ctx)
	if err != nil {
		return Answers{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	var sent atomic.Int64
	start := time.Now()
	for _, c := range clients {
		group.Go(func() {
			defer c.connection.Close()
			stop := context.AfterFunc(ctx, func() { _ = c.connection.Close() }) // only wakes a reader
			defer stop()
			if err := c.run(l, &sent, start, duration); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	answers := Answers{Elapsed: time.Since(start)}
	for _, c := range clients {
		answers.Requests += len(c.latencies)
		answers.Bytes += c.bytes
		answers.latencies = append(answers.latencies, c.latencies...)
	}
	slices.Sort(answers.latencies)
	return answers, context.Cause(ctx)
}

func (l Load) connect(ctx context.Context) ([]*client, error) {
	if len(l.Requests) == 0 {
		return nil, errors.New("measure: a load without requests")
	}
	dial := l.Dial
	if dial == nil {
		network := l.Network
		if network == "" {
			network = "tcp"
		}
		dial = func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, l.Address)
		}
	}
	connections := l.Connections
	if connections <= 0 {
		connections = 16
	}
	clients := make([]*client, 0, connections)
	for range connections {
		connection, err := dial(ctx)
		if err != nil {
			for _, c := range clients {
				_ = c.connection.Close() // nothing was sent
			}
			return nil, fmt.Errorf("measure: %w", err)
		}
		clients = append(clients, &client{connection: connection, reader: bufio.NewReaderSize(connection, 64<<10)})
	}
	return clients, nil
}

// client is one connection.
type client struct {
	connection net.Conn
	reader     *bufio.Reader
	bytes      int64
	latencies  []time.Duration
}

func (c *client) run(l Load, sent *atomic.Int64, start time.Time, duration time.Duration) error {
	for {
		number := int(sent.Add(1) - 1)
		due := time.Now()
		if l.Rate > 0 {
			due = start.Add(time.Duration(number) * time.Second / time.Duration(l.Rate))
			time.Sleep(time.Until(due))
		}
		if due.Sub(start) >= duration {
			return nil
		}
		if _, err := c.connection.Write(l.Requests[number%len(l.Requests)]); err != nil {
			return fmt.Errorf("measure: %w", err)
		}
		status, length, err := readAnswer(c.reader)
		if err != nil {
			return fmt.Errorf("measure: %w", err)
		}
		if status != l.Status {
			return fmt.Errorf("measure: request %d was answered %d in place of %d", number, status, l.Status)
		}
		c.latencies = append(c.latencies, time.Since(due))
		c.bytes += length
	}
}

package proxies

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// BenchmarkRoutingTable compares what a routing table costs: adding a route,
// the memory of many, and reading all of them while requests are proxied.
func BenchmarkRoutingTable(b *testing.B) {
	_, a := hub(b, false)
	type table struct {
		*contender
		*routes
	}
	var tables []table
	for _, start := range []func() (*contender, *routes){
		a.configurableHTTPProxy,
		func() (*contender, *routes) { return a.replacement() },
		func() (*contender, *routes) { return a.replacement("--store", "memory") },
	} {
		c, r := start()
		if err := r.add("/user/ada"); err != nil {
			b.Fatal(err)
		}
		tables = append(tables, table{c, r})
	}
	const many = 100_000
	shown := &measure.Table{Head: []string{
		"", "adding one, median", "p99", fmt.Sprintf("memory of %d", many), "p99 of requests", "p99 while the table is read every second", "CPU of others",
	}}
	for _, t := range tables {
		median, worst := addOneByOne(b, t.routes)
		before := t.settled(b.Context())
		t.addMany(0, many)
		memory := t.settled(b.Context()) - before
		quiet, others := latency(b, t.contender, nil)
		reading, _ := latency(b, t.contender, t.routes)
		shown.Add(t.name, measure.Microseconds(median), measure.Microseconds(worst), measure.Mebibytes(memory),
			measure.Microseconds(quiet), measure.Microseconds(reading), others)
	}
	show(b, "Routing table", shown)
}

// addOneByOne adds routes over one connection.
func addOneByOne(b *testing.B, r *routes) (median, worst time.Duration) {
	b.Helper()
	times := make([]time.Duration, 2000)
	for i := range times {
		start := time.Now()
		if err := r.add(fmt.Sprintf("/single/%d", i)); err != nil {
			b.Fatal(err)
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*99/100]
}

// latency is the time within which 99 of 100 requests at a steady rate are
// answered, while somebody reads the table every second, or nobody does.
func latency(b *testing.B, c *contender, reader *routes) (p99 time.Duration, others string) {
	b.Helper()
	done := make(chan struct{})
	stopped := make(chan error, 1)
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		var err error
		for reader != nil && err == nil {
			select {
			case <-done:
				reader = nil
			case <-ticker.C:
				err = reader.read()
			}
		}
		stopped <- err
	}()
	slow := rounds
	slow.Duration = 5 * time.Second
	results, err := measure.Compare(b.Context(), slow, c.measured(c.load(smallPath, 64, 1000).Run))
	close(done)
	if err != nil {
		b.Fatal(err)
	}
	if err := <-stopped; err != nil && !strings.Contains(err.Error(), "context canceled") {
		b.Fatal(err)
	}
	p99 = measure.Median(results[0], func(r measure.Round) time.Duration { return r.Latency(0.99) })
	return p99, results[0].Others()
}

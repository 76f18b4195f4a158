package proxies

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// tableSize is how many routes a table has.
const tableSize = 100_000

// routing is a proxy with its table.
type routing struct {
	*contender
	*routes
	// metrics is the port of what it says of itself.
	metrics int
}

// BenchmarkRoutingTable compares what a routing table costs: adding a route, the
// memory of many, finding one among them, and reading all of them while requests are
// proxied.
func BenchmarkRoutingTable(b *testing.B) {
	_, a := hub(b, false)
	proxies := routings(b, a)
	shown := &measure.Table{Head: []string{"", "adding one: median", "99 of 100 within", "memory", "own", "pages of files"}}
	for _, p := range proxies {
		median, worst := addOneByOne(b, p.routes)
		before := p.resident(b.Context())
		p.addMany(0, tableSize)
		after := p.resident(b.Context())
		all, files := after[0]-before[0], after[1]-before[1]
		shown.Add(p.name, measure.Microseconds(median), measure.Microseconds(worst),
			measure.Mebibytes(all), measure.Mebibytes(all-files), measure.Mebibytes(files))
	}
	show(b, fmt.Sprintf("Routing table: a POST over one connection to a nearly empty table, durable unless in memory; "+
		"growth of the resident memory (VmRSS) of the process by %d routes added by 32 clients, at rest: "+
		"its own (heap, used or idle) and pages of files (RssFile: the store, and the program)", tableSize), shown)
	showRequests(b, proxies)
}

// routings are the proxies that are compared.
func routings(b *testing.B, a *arena) []*routing {
	var all []*routing
	for _, start := range []func(...string) (*contender, *routes){
		a.configurableHTTPProxy,
		a.replacement,
		func(more ...string) (*contender, *routes) { return a.replacement(append(more, "--store", "memory")...) },
	} {
		p := &routing{metrics: hubtest.FreePort(b)}
		p.contender, p.routes = start("--metrics-ip", "127.0.0.1", "--metrics-port", fmt.Sprint(p.metrics))
		if err := p.add("/user/ada"); err != nil {
			b.Fatal(err)
		}
		all = append(all, p)
	}
	return all
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

// resident is the memory of a proxy that has rested, and what of it is pages of files.
func (p *routing) resident(ctx context.Context) [2]int64 {
	return [2]int64{p.settled(ctx), measure.RSSOfFiles(p.pids()...)}
}

// showRequests compares requests at a steady rate while nobody and while somebody
// reads the table, in turns.
func showRequests(b *testing.B, proxies []*routing) {
	b.Helper()
	var contenders []measure.Contender
	for _, p := range proxies {
		steady := p.load(smallPath, 64, 1000).Run
		contenders = append(contenders, p.measured(steady), p.measured(p.read(steady)))
	}
	slow := rounds
	slow.Duration = 4 * time.Second
	results, err := measure.Compare(b.Context(), slow, contenders...)
	if err != nil {
		b.Fatal(err)
	}
	shown := &measure.Table{Head: []string{
		"", "finding a route", "99 of 100 requests within", "while the table is read", "more", "CPU of others", "while it is read",
	}}
	for i, p := range proxies {
		alone, reading := results[2*i], results[2*i+1]
		within := func(r measure.Round) time.Duration { return r.Latency(0.99) }
		quiet, read := measure.Median(alone, within), measure.Median(reading, within)
		shown.Add(p.name, p.lookup(b), measure.Microseconds(quiet), measure.Microseconds(read),
			fmt.Sprintf("%+.0f %%", 100*(read.Seconds()/quiet.Seconds()-1)), alone.Others(), reading.Others())
	}
	show(b, fmt.Sprintf("Requests among %d routes: finding the one route, by the proxy's own metric (find_target_for_req, both "+
		"clocks included); 1000 requests/s on 64 connections, without and with somebody who reads the whole table through the API every second",
		tableSize), shown)
}

// read is a load during which somebody reads the whole table every second.
func (p *routing) read(load func(context.Context, time.Duration) (measure.Answers, error)) func(context.Context, time.Duration) (measure.Answers, error) {
	return func(ctx context.Context, duration time.Duration) (measure.Answers, error) {
		reading, cancel := context.WithCancel(ctx)
		stopped := make(chan error, 1)
		go func() {
			for ticker := time.NewTicker(time.Second); ; {
				select {
				case <-reading.Done():
					ticker.Stop()
					stopped <- nil
					return
				case <-ticker.C:
					if err := p.readAll(); err != nil {
						ticker.Stop()
						stopped <- err
						return
					}
				}
			}
		}()
		answers, err := load(ctx, duration)
		cancel()
		if failed := <-stopped; err == nil {
			err = failed
		}
		return answers, err
	}
}

// lookup is how long finding a route has taken on average, as the proxy says.
func (p *routing) lookup(b *testing.B) string {
	b.Helper()
	text, err := p.get(fmt.Sprintf("http://127.0.0.1:%d/metrics", p.metrics))
	if err != nil {
		b.Fatal(err)
	}
	var sum, count float64
	for line := range strings.Lines(text) {
		_, _ = fmt.Sscanf(line, "find_target_for_req_sum %g", &sum)
		_, _ = fmt.Sscanf(line, "find_target_for_req_count %g", &count)
	}
	if count == 0 {
		return "unknown"
	}
	return measure.Number(1e9*sum/count) + " ns"
}

package proxies

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// rounds of a comparison: many short ones, since a machine may be half as fast a minute later.
var rounds = measure.Rounds{Count: 7, Duration: time.Second}

// baseline is the contender that others are compared with.
const baseline = "CHP on Node 24"

// BenchmarkProxies compares all programs without TLS in front.
func BenchmarkProxies(b *testing.B) {
	contenders := all(b, false)
	compare(b, "1 KB bodies, 64 connections", contenders, func(c *contender) run { return c.load(smallPath, 64, 0).Run })
	for _, c := range contenders {
		c.profile(b, smallPath)
	}
	steady(b, contenders)
	compareVolume(b, contenders)
	compare(b, "WebSockets: 100 bytes sent and back, 64 sockets", contenders, func(c *contender) run { return c.echoes(64) })
	idle(b, contenders, 2000, 6000)
}

// BenchmarkProxiesWithTLS compares them with TLS in front.
func BenchmarkProxiesWithTLS(b *testing.B) {
	contenders := all(b, true)
	compare(b, "TLS, HTTP/1.1, 1 KB bodies, 64 connections", contenders, func(c *contender) run { return c.load(smallPath, 64, 0).Run })
	var multiplexing []*contender
	for _, c := range contenders {
		if c.speaksHTTP2(b.Context()) {
			multiplexing = append(multiplexing, c)
		}
	}
	compare(b, "TLS, HTTP/2, 1 KB bodies, 4 connections with 16 streams", multiplexing, func(c *contender) run { return c.multiplexed(4, 16) })
	compare(b, "TLS, WebSockets: 100 bytes sent and back, 64 sockets", contenders, func(c *contender) run { return c.echoes(64) })
	idle(b, contenders, 500, 2000)
}

type run = func(context.Context, time.Duration) (measure.Answers, error)

// all starts every program. They live until the benchmark ends.
func all(b *testing.B, secure bool) []*contender {
	b.Helper()
	for _, program := range []string{"nginx", "haproxy", "taskset"} {
		if _, err := exec.LookPath(program); err != nil {
			b.Fatalf("%s is missing: %v", program, err)
		}
	}
	ours, a := hub(b, secure)
	if secure {
		a.certify()
	}
	original, originalRoutes := a.configurableHTTPProxy()
	replacement, replacementRoutes := a.replacement()
	for _, table := range []*routes{originalRoutes, replacementRoutes} {
		if err := table.add("/user/ada"); err != nil {
			b.Fatal(err)
		}
		table.addMany(0, manyRoutes)
	}
	others := []*contender{a.caddy(), a.nginx(), a.haproxy()}
	// Last: from here on this process shares its core with the upstream only.
	if err := measure.PinSelf(loadCore); err != nil {
		b.Fatal(err)
	}
	return append([]*contender{original, ours, replacement}, others...)
}

// compare prints a table of CPU times and requests per second.
func compare(b *testing.B, title string, contenders []*contender, make func(*contender) run) {
	b.Helper()
	results, err := measure.Compare(b.Context(), rounds, each(contenders, make)...)
	if err != nil {
		b.Fatal(err)
	}
	show(b, title, measure.Compared(results))
	report(b, title, results)
}

// report makes the ratio to configurable-http-proxy a figure of the benchmark.
func report(b *testing.B, title string, results []measure.Result) {
	var base time.Duration
	for _, result := range results {
		cost := measure.Median(result, measure.Round.PerRequest)
		if result.Name == baseline {
			base = cost
		}
		if base > 0 && strings.HasPrefix(result.Name, "caddyhub") {
			b.ReportMetric(float64(cost)/float64(base), unit(title, result.Name))
		}
	}
}

// unit is a name that the format of benchmarks allows.
func unit(title, name string) string {
	return strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(title + "/" + name)
}

// steady prints latencies at a rate that everybody can keep up with.
func steady(b *testing.B, contenders []*contender) {
	b.Helper()
	longer := rounds
	longer.Duration *= 2
	results, err := measure.Compare(b.Context(), longer, each(contenders, func(c *contender) run { return c.load(smallPath, 64, 2000).Run })...)
	if err != nil {
		b.Fatal(err)
	}
	table := &measure.Table{Head: []string{"", "median", "p99", "p99.9", "CPU/request", "CPU of others"}}
	for _, result := range results {
		at := func(share float64) string {
			return measure.Microseconds(measure.Median(result, func(r measure.Round) time.Duration { return r.Latency(share) }))
		}
		table.Add(result.Name, at(0.5), at(0.99), at(0.999), measure.Microseconds(measure.Median(result, measure.Round.PerRequest)), result.Others())
	}
	show(b, "Latency at 2000 requests/s, 1 KB bodies, 64 connections", table)
}

// compareVolume prints what large bodies cost.
func compareVolume(b *testing.B, contenders []*contender) {
	b.Helper()
	results, err := measure.Compare(b.Context(), rounds, each(contenders, func(c *contender) run { return c.load(largePath, 8, 0).Run })...)
	if err != nil {
		b.Fatal(err)
	}
	table := &measure.Table{Head: []string{"", "MB/s", "CPU per GB", "times", "CPU of others"}}
	perGB := func(r measure.Round) float64 { return r.CPU.Seconds() / max(float64(r.Bytes), 1) * 1e9 }
	base := measure.Median(results[0], perGB)
	for _, result := range results {
		speed := measure.Median(result, func(r measure.Round) float64 { return float64(r.Bytes) / 1e6 / r.Elapsed.Seconds() })
		cost := measure.Median(result, perGB)
		table.Add(result.Name, measure.Number(speed), measure.Number(cost)+" s", measure.Number(cost/base), result.Others())
	}
	show(b, "1 MiB bodies, 8 connections", table)
}

// idle prints what a WebSocket costs over which nothing is sent.
func idle(b *testing.B, contenders []*contender, few, many int) {
	b.Helper()
	table := &measure.Table{Head: []string{"", "KiB of RSS per idle WebSocket", "KiB in use after a garbage collection"}}
	for _, c := range contenders {
		cost, err := c.idle(b.Context(), few, many)
		if err != nil {
			b.Fatal(err)
		}
		used := "–"
		if c.admin != "" {
			used = measure.Number(cost.used / 1024)
		}
		table.Add(c.name, measure.Number(cost.resident/1024), used)
	}
	show(b, fmt.Sprintf("Idle WebSockets, from %d to %d", few, many), table)
}

func show(b *testing.B, title string, table *measure.Table) {
	b.Helper()
	fmt.Printf("\n%s\n\n", title)
	if err := table.Write(os.Stdout); err != nil {
		b.Fatal(err)
	}
}

package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// families are what a scrape sees, by name.
func families(t *testing.T, m *Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	var text bytes.Buffer
	if err := m.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	found, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// values are the series of one family: labels, and the value or the count of
// observations.
func values(family *dto.MetricFamily) map[string]float64 {
	found := make(map[string]float64)
	for _, metric := range family.GetMetric() {
		var labels []string
		for _, label := range metric.GetLabel() {
			labels = append(labels, label.GetName()+"="+label.GetValue())
		}
		value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		found[strings.Join(labels, ",")] = value
	}
	return found
}

// TestSeries: what is there before anything has happened, so that dashboards
// and alerts can rely on it.
func TestSeries(t *testing.T) {
	found := families(t, New())
	for name, want := range map[string][]string{
		"jupyterhub_server_spawn_duration_seconds": {
			"status=already-pending", "status=failure", "status=success", "status=throttled", "status=too-many-users",
		},
		"jupyterhub_server_stop_seconds":            {"status=failure", "status=success"},
		"jupyterhub_server_poll_duration_seconds":   {"status=running", "status=stopped"},
		"jupyterhub_proxy_add_duration_seconds":     {"status=failure", "status=success"},
		"jupyterhub_proxy_delete_duration_seconds":  {"status=failure", "status=success"},
		"jupyterhub_check_routes_duration_seconds":  {""},
		"jupyterhub_hub_startup_duration_seconds":   {""},
		"jupyterhub_init_spawners_duration_seconds": {""},
		"jupyterhub_active_users":                   {"period=24h", "period=30d", "period=7d"},
		"jupyterhub_running_servers":                {""},
		"jupyterhub_total_users":                    {""},
		"caddyhub_logins_total":                     {"outcome=failure", "outcome=refused", "outcome=success"},
		"caddyhub_websockets_closed_total":          {"reason=revoked", "reason=server_stopped", "reason=unconfirmed"},
		"caddyhub_login_refreshes_total":            {"answer=changed", "answer=fresh", "answer=login_again", "answer=unavailable"},
		"caddyhub_store_in_touch":                   {""},
		"process_cpu_seconds_total":                 {""},
	} {
		var labels []string
		for series := range values(found[name]) {
			labels = append(labels, series)
		}
		slices.Sort(labels)
		if diff := cmp.Diff(want, labels); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if buckets := found["jupyterhub_server_spawn_duration_seconds"].GetMetric()[0].GetHistogram().GetBucket(); len(buckets) != 13 {
		t.Errorf("%d buckets of starts, want JupyterHub's 13", len(buckets))
	}
}

// TestCounts: each method counts what it says, and nothing else.
func TestCounts(t *testing.T) {
	m := New()
	failed := errors.New("no")
	m.Request("/users/{user}", "GET", 200, time.Second)
	m.Request("/users/{user}", "BREW", 999, time.Second)
	m.Spawned(SpawnThrottled, time.Second)
	m.Spawned("nonsense", time.Second)
	m.Stopped(time.Second, failed)
	m.Polled(true, time.Second)
	m.Started(time.Second)
	m.Initialized(time.Second)
	m.RouteAdded(time.Second, nil)
	m.RouteDeleted(time.Second, failed)
	m.RoutesChecked(time.Second)
	m.Allowed()
	m.Redirected()
	m.NotRunning()
	m.Refused(403)
	m.Refused(418)
	m.Unreachable()
	m.Granted()
	m.SocketClosed(1008)
	m.SocketClosed(1001)
	m.Culled("server", "idle")
	m.Login("refused")
	m.Login("nonsense")
	m.ActiveUsers("7d", 12)
	m.ActiveUsers("1y", 13)
	m.Watch(Gauges{
		Users: func() int { return 5 }, RunningServers: func() int { return 3 }, PendingServers: func() int { return 2 },
		OpenSockets: func() int { return 7 }, InTouch: func() bool { return true },
	})
	found := families(t, m)
	got := make(map[string]float64)
	for name, family := range found {
		if !strings.HasPrefix(name, "jupyterhub_") && !strings.HasPrefix(name, "caddyhub_") || name == "caddyhub_info" {
			continue
		}
		for series, value := range values(family) {
			if value != 0 {
				got[name+"{"+series+"}"] = value
			}
		}
	}
	want := map[string]float64{
		"jupyterhub_request_duration_seconds{code=200,handler=/users/{user},method=GET}": 1,
		"jupyterhub_request_duration_seconds{code=0,handler=/users/{user},method=other}": 1,
		"jupyterhub_server_spawn_duration_seconds{status=throttled}":                     1,
		"jupyterhub_server_stop_seconds{status=failure}":                                 1,
		"jupyterhub_server_poll_duration_seconds{status=running}":                        1,
		"jupyterhub_hub_startup_duration_seconds{}":                                      1,
		"jupyterhub_init_spawners_duration_seconds{}":                                    1,
		"jupyterhub_proxy_add_duration_seconds{status=success}":                          1,
		"jupyterhub_proxy_delete_duration_seconds{status=failure}":                       1,
		"jupyterhub_check_routes_duration_seconds{}":                                     1,
		"caddyhub_decisions_total{decision=allowed}":                                     1,
		"caddyhub_decisions_total{decision=redirected}":                                  1,
		"caddyhub_decisions_total{decision=server_not_running}":                          1,
		"caddyhub_decisions_total{decision=forbidden}":                                   1,
		"caddyhub_decisions_total{decision=other}":                                       1,
		"caddyhub_upstream_failures_total{}":                                             1,
		"caddyhub_grants_total{}":                                                        1,
		"caddyhub_websockets_closed_total{reason=revoked}":                               1,
		"caddyhub_websockets_closed_total{reason=server_stopped}":                        1,
		"caddyhub_culled_total{what=server idle}":                                        1,
		"caddyhub_logins_total{outcome=refused}":                                         1,
		"jupyterhub_active_users{period=7d}":                                             12,
		"jupyterhub_total_users{}":                                                       5,
		"jupyterhub_running_servers{}":                                                   3,
		"caddyhub_pending_servers{}":                                                     2,
		"caddyhub_websockets_open{}":                                                     7,
		"caddyhub_store_in_touch{}":                                                      1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBounded: callers who choose methods and codes make no series.
func TestBounded(t *testing.T) {
	m := New()
	for i := range 10_000 {
		m.Request("/users", fmt.Sprintf("M%d", i), 1000+i, time.Second)
	}
	if series := values(families(t, m)["jupyterhub_request_duration_seconds"]); len(series) != 1 {
		t.Errorf("%d series", len(series))
	}
}

// TestCheap: counting a request makes no garbage once its series is known.
func TestCheap(t *testing.T) {
	m := New()
	m.Request("/users", "GET", 200, time.Second)
	if made := testing.AllocsPerRun(100, m.Allowed); made != 0 {
		t.Errorf("a decision makes %v allocations", made)
	}
	if made := testing.AllocsPerRun(100, func() { m.Request("/users", "GET", 200, time.Second) }); made > 1 {
		t.Errorf("a request makes %v allocations", made)
	}
}

// TestTwoHubs: what one hub counts no other one does, and both fit into one
// process. A registry takes the metrics of one hub, as Caddy's own does.
func TestTwoHubs(t *testing.T) {
	one, two := New(), New()
	one.Allowed()
	if got := values(families(t, two)["caddyhub_decisions_total"])["decision=allowed"]; got != 0 {
		t.Errorf("the other hub has counted %v", got)
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(one); err != nil {
		t.Fatal(err)
	}
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(gathered, func(f *dto.MetricFamily) bool { return f.GetName() == "jupyterhub_total_users" }) ||
		slices.ContainsFunc(gathered, func(f *dto.MetricFamily) bool { return f.GetName() == "process_cpu_seconds_total" }) {
		t.Error("Caddy's registry gets the hub's metrics, and not those of the process, which it has")
	}
}

func TestConcurrent(t *testing.T) {
	m := New()
	var counting sync.WaitGroup
	for i := range 8 {
		counting.Go(func() {
			for range 20 {
				m.Allowed()
				m.Request(fmt.Sprint("/", i), "GET", 200, time.Second)
				m.Watch(Gauges{Users: func() int { return i }})
				_ = families(t, m)
			}
		})
	}
	counting.Wait()
	if got := values(families(t, m)["caddyhub_decisions_total"])["decision=allowed"]; got != 160 {
		t.Errorf("counted %v", got)
	}
}

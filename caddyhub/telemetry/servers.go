package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// SpawnStatus is what came of a wish to start a server, in JupyterHub's words.
type SpawnStatus string

// The statuses of starts.
const (
	SpawnSuccess SpawnStatus = "success"
	SpawnFailure SpawnStatus = "failure"
	// SpawnPending: something was going on with the server already.
	SpawnPending SpawnStatus = "already-pending"
	// SpawnThrottled: too many servers were starting.
	SpawnThrottled SpawnStatus = "throttled"
	// SpawnTooMany: too many servers were active.
	SpawnTooMany SpawnStatus = "too-many-users"
)

// servers are the life of single-user servers on this node.
type servers struct {
	spawns, stops, polls map[string]prometheus.Observer
	startup, initialized prometheus.Observer
	culled               map[string]prometheus.Counter
}

func newServers(m *Metrics) servers {
	return servers{
		spawns: m.outcomes("server_spawn_duration_seconds", "Time taken for server spawning operation", spawnBuckets, "status",
			string(SpawnSuccess), string(SpawnFailure), string(SpawnPending), string(SpawnThrottled), string(SpawnTooMany)),
		stops: m.outcomes("server_stop_seconds", "Time taken for server stopping operation", buckets, "status",
			"success", "failure"),
		polls: m.outcomes("server_poll_duration_seconds", "Time taken to poll if server is running", buckets, "status",
			"running", "stopped"),
		startup:     m.histogram("hub_startup_duration_seconds", "Time taken for Hub to start", buckets).WithLabelValues(),
		initialized: m.histogram("init_spawners_duration_seconds", "Time taken for spawners to initialize", buckets).WithLabelValues(),
		culled: m.counters("culled_total", "What the hub has culled.", "what",
			"server idle", "server max_age", "user idle", "user max_age"),
	}
}

// Spawned counts a start, or a wish for one that was refused.
func (m *Metrics) Spawned(status SpawnStatus, took time.Duration) {
	if observer, known := m.servers.spawns[string(status)]; known {
		observer.Observe(took.Seconds())
	}
}

// Stopped counts a stop of this node, or an attempt that the spawner failed.
func (m *Metrics) Stopped(took time.Duration, err error) {
	m.servers.stops[status(err)].Observe(took.Seconds())
}

// Polled counts a look at a server.
func (m *Metrics) Polled(running bool, took time.Duration) {
	state := "stopped"
	if running {
		state = "running"
	}
	m.servers.polls[state].Observe(took.Seconds())
}

// Started tells how long the hub took to come up on this node.
func (m *Metrics) Started(took time.Duration) { m.servers.startup.Observe(took.Seconds()) }

// Initialized tells how long the first look at all servers took.
func (m *Metrics) Initialized(took time.Duration) { m.servers.initialized.Observe(took.Seconds()) }

// Culled counts what was culled: "server" or "user", and why.
func (m *Metrics) Culled(kind, reason string) { count(m.servers.culled, kind+" "+reason) }

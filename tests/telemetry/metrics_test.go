package telemetry_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// absent are metrics of JupyterHub for which there is nothing to measure here,
// as tests/conformance/DIFFERENCES.md says.
var absent = []string{"jupyterhub_event_loop_interval_seconds", "jupyterhub_proxy_poll_duration_seconds"}

// described prints what JupyterHub's own module says of its metrics.
const described = `
import json
from prometheus_client import REGISTRY
before = {m.name for m in REGISTRY.collect()}
import jupyterhub.metrics
print(json.dumps({m.name: [m.type, m.documentation] for m in REGISTRY.collect() if m.name not in before}))
`

// TestMetricsAreJupyterHubs: each metric of JupyterHub is there, under its name,
// of its type, with its help; and at both addresses, and Caddy's.
func TestMetricsAreJupyterHubs(t *testing.T) {
	h := hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"}, Site: "metrics /caddy-metrics",
	})
	python := exec.CommandContext(t.Context(), filepath.Join(hubtest.VirtualEnvironment(t), "bin", "python"), "-c", described)
	printed, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs map[string][2]string
	if err := json.Unmarshal(printed, &theirs); err != nil || len(theirs) < 10 {
		t.Fatalf("%s: %v", printed, err)
	}
	root := h.API(h.Token("root"))
	for path, client := range map[string]*hubtest.Client{"/hub/metrics": root, "/hub/api/metrics": root, "/caddy-metrics": h.Anonymous()} {
		text := string(client.Do(http.MethodGet, path, nil).Body)
		for name, is := range theirs {
			has := strings.Contains(text, "# TYPE "+name+" "+is[0]+"\n") && strings.Contains(text, "# HELP "+name+" "+is[1]+"\n")
			if has == slices.Contains(absent, name) {
				t.Errorf("%s: %s of JupyterHub, %q: there %v", path, name, is, has)
			}
		}
	}
	if answer := h.Anonymous().Do(http.MethodGet, "/hub/metrics", nil); answer.Status != http.StatusForbidden {
		t.Errorf("everybody reads the metrics: %s", answer)
	}
}

// TestMetricsCount: what happens is counted, a reload sets nothing back, and no
// name of anybody is among it.
func TestMetricsCount(t *testing.T) {
	h := hubtest.Start(t, hubtest.Options{Admins: []string{"root"}, NamedServers: true, Hub: "authenticate_prometheus off"})
	ada := h.LogIn("ada-of-astronomy")
	root := h.API(h.Token("root"))
	root.StartServer("ada-of-astronomy", "telescope")
	ada.Do(http.MethodGet, "/user/ada-of-astronomy/telescope/api/status", nil)
	h.Anonymous().Do(http.MethodGet, "/user/ada-of-astronomy/telescope/api/status", nil)
	metrics := func() string { return string(h.Anonymous().Do(http.MethodGet, "/hub/metrics", nil).Body) }
	want := []string{
		`jupyterhub_total_users 2`, `jupyterhub_running_servers 1`, `jupyterhub_server_spawn_duration_seconds_count\{status="success"\} 1`,
		`jupyterhub_proxy_add_duration_seconds_count\{status="success"\} 1`, `jupyterhub_hub_startup_duration_seconds_count 1`,
		`jupyterhub_request_duration_seconds_count\{code="20[12]",handler="api /users/\{user\}/servers/\{server\}",method="POST"\} 1`,
		`caddyhub_logins_total\{outcome="success"\} 1`, `caddyhub_store_in_touch 1`,
		`caddyhub_decisions_total\{decision="allowed"\} [1-9]`, `caddyhub_decisions_total\{decision="unauthorized"\} 1`,
		`process_cpu_seconds_total [0-9.]+`,
	}
	check := func(when string) {
		t.Helper()
		text := metrics()
		for _, pattern := range want {
			if !regexp.MustCompile(`(?m)^` + pattern).MatchString(text) {
				t.Errorf("%s: no %s", when, pattern)
			}
		}
		for _, name := range []string{"ada-of-astronomy", "telescope", "root"} {
			if strings.Contains(text, name) {
				t.Errorf("%s: the metrics tell of %s", when, name)
			}
		}
	}
	hubtest.Eventually(t, "the numbers are there", func() bool { return strings.Contains(metrics(), "jupyterhub_running_servers 1\n") })
	check("at first")
	if err := h.Reload(h.Caddyfile() + "\n# another one\n"); err != nil {
		t.Fatal(err)
	}
	check("after a reload")
}

package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// people are users and their logins.
type people struct {
	active map[string]prometheus.Gauge
	logins map[string]prometheus.Counter
	// refreshes are questions to authenticators about logins.
	refreshes map[string]prometheus.Counter
}

// Period is a time over which active users are counted.
type Period struct {
	// Name is the label, Length how far it goes back.
	Name   string
	Length time.Duration
}

// Periods are those of JupyterHub.
var Periods = []Period{{"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}}

func newPeople(m *Metrics) people {
	active := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "active_users", Help: "Number of users who were active in the given time period",
	}, []string{"period"})
	m.hub = append(m.hub, active)
	made := people{
		active: make(map[string]prometheus.Gauge),
		logins: m.counters("logins_total", "Attempts to log in.", "outcome", "success", "refused", "failure"),
		refreshes: m.counters("login_refreshes_total", "Questions to authenticators whether a login still holds.", "answer",
			"fresh", "changed", "login_again", "unavailable"),
	}
	for _, period := range Periods {
		made.active[period.Name] = active.WithLabelValues(period.Name)
	}
	return made
}

// ActiveUsers says how many users were active in one of Periods.
func (m *Metrics) ActiveUsers(period string, users int) {
	if gauge, known := m.people.active[period]; known {
		gauge.Set(float64(users))
	}
}

// Login counts an attempt to log in: "success", "refused" or "failure".
func (m *Metrics) Login(outcome string) { count(m.people.logins, outcome) }

// Refreshed counts a question whether a login still holds, by the answer: "fresh",
// "changed", "login_again" or "unavailable".
func (m *Metrics) Refreshed(answer string) { count(m.people.refreshes, answer) }

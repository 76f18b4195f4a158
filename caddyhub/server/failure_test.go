package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

func TestFailedStarts(t *testing.T) {
	none := func(*node) {}
	for _, test := range []struct {
		name string
		// script prepares the spawner, meanwhile happens two seconds later.
		script    func(*node)
		meanwhile func(*hub)
		settings  func(*Settings)
		want      Failure
		after     time.Duration
	}{
		{
			name:   "the spawner fails with words for operators",
			script: func(n *node) { n.spawner.fails = errors.New("dial 10.9.9.9: password=hunter2") },
			want:   Failure{Reason: spawner.ReasonError, Status: 500, Message: "The server could not be started."},
		},
		{
			name: "the spawner fails with words for users",
			script: func(n *node) {
				n.spawner.fails = &spawner.Error{Reason: spawner.ReasonOptions, Status: 400, Message: "Invalid user options", HTML: "<b>no</b>"}
			},
			want: Failure{Reason: spawner.ReasonOptions, Status: 400, Message: "Invalid user options", HTML: "<b>no</b>"},
		},
		{
			name:   "the spawner takes too long",
			script: func(n *node) { n.spawner.finish = make(chan struct{}) },
			want:   Failure{Reason: spawner.ReasonTimeout, Status: 500, Message: "The server did not start within 1m0s."},
			after:  time.Minute,
		},
		{
			name:   "the server never answers",
			script: func(n *node) { n.spawner.status = -1 },
			want:   Failure{Reason: spawner.ReasonTimeout, Status: 500, Message: "The server was started but did not answer within 30s."},
			after:  30 * time.Second,
		},
		{
			name:   "the server answers with errors only",
			script: func(n *node) { n.spawner.status = 503 },
			want:   Failure{Reason: spawner.ReasonTimeout, Status: 500, Message: "The server was started but did not answer within 30s."},
			after:  30 * time.Second,
		},
		{
			name:      "the server exits before it answers",
			script:    func(n *node) { n.spawner.status = -1 },
			meanwhile: func(h *hub) { h.platform.set("ada", func(p *program) { p.running, p.code = false, 3 }) },
			want:      Failure{Reason: spawner.ReasonExited, Status: 500, Message: "The server ended while it was starting (status 3)."},
			after:     2 * time.Second,
		},
		{
			name:     "another program was quicker to take the port",
			script:   none,
			settings: func(s *Settings) { s.Probe = taken{s.Probe.(*platform)} },
			want:     Failure{Reason: spawner.ReasonExited, Status: 500, Message: "The server ended while it was starting (status 1)."},
		},
		{
			name:   "a hook refuses",
			script: none,
			settings: func(s *Settings) {
				s.Hooks.PreSpawn = func(context.Context, identity.User, *spawner.Request) error {
					return &spawner.Error{Status: 402, Message: "Your quota is used up."}
				}
			},
			want: Failure{Reason: spawner.ReasonError, Status: 402, Message: "Your quota is used up."},
		},
		{
			name:     "the environment cannot be made",
			script:   none,
			settings: func(s *Settings) { s.Launch.NotebookDir = "/home/{nonsense}" },
			want:     Failure{Reason: spawner.ReasonError, Status: 500, Message: "The server could not be started."},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub(t, "ada")
				var reasons []spawner.Reason
				n := h.node("east", func(s *Settings) {
					s.Hooks.Spawned = func(_ Server, _ time.Duration, reason spawner.Reason) { reasons = append(reasons, reason) }
					if test.settings != nil {
						test.settings(s)
					}
				})
				n.spawner.log = []string{"hello <b>", "GET /?token=0123456789abcdef0123456789abcdef&x=1", "token=[…] " + strings.Repeat("z", 999)}
				test.script(n)
				begun := time.Now()
				h.start(n, "ada", "")
				if test.meanwhile != nil {
					time.Sleep(2 * time.Second)
					test.meanwhile(h)
				}
				events := collect(t, n, "ada", "")
				if took := time.Since(begun); took < test.after || took > test.after+time.Second {
					t.Errorf("failed after %v, want %v", took, test.after)
				}
				s := h.wait(n, "ada", "")
				if s.Failure == nil {
					t.Fatalf("server = %+v", s)
				}
				if diff := cmp.Diff(test.want, *s.Failure, cmpopts.IgnoreFields(Failure{}, "At", "Log")); diff != "" {
					t.Errorf("failure (-want +got):\n%s", diff)
				}
				last := events[len(events)-1]
				if !last.Failed || last.Ready || last.Percent != 100 || last.Message != "Spawn failed: "+test.want.Message {
					t.Errorf("last event = %+v", last)
				}
				checkLog(t, s.Failure.Log, last.HTML)
				if late := collect(t, n, "ada", ""); len(late) != 1 || late[0] != last {
					t.Errorf("afterwards the progress is %+v", late)
				}
				if diff := cmp.Diff([]spawner.Reason{test.want.Reason}, reasons); diff != "" {
					t.Errorf("reasons told to metrics (-want +got):\n%s", diff)
				}
				if h.platform.alive("ada") != 0 {
					t.Error("the program still runs")
				}
				h.spotless()
			})
		})
	}
}

// taken is a port where somebody else answers: ada's program, which wanted it,
// has just ended.
type taken struct{ platform *platform }

func (p taken) RoundTrip(*http.Request) (*http.Response, error) {
	p.platform.set("ada", func(p *program) { p.running, p.code = false, 1 })
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
}

// checkLog demands that what a server wrote is escaped, bounded, and without tokens.
func checkLog(t *testing.T, lines []string, markup string) {
	t.Helper()
	if len(lines) != 3 || lines[1] != "GET /?token=[secret]&x=1" || len(lines[2]) > maxLogLine+3 {
		t.Errorf("log = %q", lines)
	}
	if !strings.Contains(markup, "<pre>hello &lt;b&gt;\n") || strings.Contains(markup, "0123456789abcdef") {
		t.Errorf("markup = %q", markup)
	}
}

func TestFailureIsForgottenByTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t, "ada")
		n := h.node("east")
		n.spawner.fails = errors.New("no")
		h.start(n, "ada", "")
		if s := h.wait(n, "ada", ""); s.Failure == nil {
			t.Fatal("did not fail")
		}
		n.spawner.change(func(s *script) { s.fails = nil })
		if s := h.ready(n, "ada", ""); s.Failure != nil {
			t.Errorf("failure of an earlier start: %+v", s.Failure)
		}
	})
}

func TestRedaction(t *testing.T) {
	op := &operation{secret: "ca5cade0ca5cade0ca5cade0ca5cade0"}
	for text, want := range map[string]string{
		"plain":                                "plain",
		"http://x/?token=abc#d":                "http://x/?token=[secret]",
		"x " + op.secret + " y":                "x [secret] y",
		"t" + op.secret + "y":                  "t[secret]y",
		"/a?b=1&token=q&c=2 end":               "/a?b=1&token=[secret]&c=2 end",
		"0123456789abcdef0123456789abcdef0123": "[secret]",
	} {
		if got := redact(op, text); got != want {
			t.Errorf("redact(%q) = %q, want %q", text, got, want)
		}
	}
	if got := clean("a\x1b[31mb\x00\xff\tc\n"); got != "a[31mb\tc\n" {
		t.Errorf("clean = %q", got)
	}
}

package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/route"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
)

// hub is a store, its users, and the platform that all nodes start servers on.
type hub struct {
	t         *testing.T
	store     store.Store
	open      func() store.Store
	directory *identity.Directory
	platform  *platform
}

func newHub(t *testing.T, users ...string) *hub {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Path: filepath.Join(t.TempDir(), "hub.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return newHubOn(t, func() store.Store { return s }, users...)
}

// newHubOn is a hub whose nodes open the store each for itself.
func newHubOn(t *testing.T, open func() store.Store, users ...string) *hub {
	t.Helper()
	s := open()
	h := &hub{t: t, store: s, open: open, directory: newDirectory(t, s), platform: &platform{programs: make(map[string]*program)}}
	for _, name := range users {
		if _, err := h.directory.CreateUser(t.Context(), name, false); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func newDirectory(t *testing.T, s store.Store) *identity.Directory {
	t.Helper()
	ring, err := keyring.New([]keyring.Key{keyring.NewKey(time.Now().Add(-time.Hour))}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return identity.New(identity.Options{Store: s, Keys: ring})
}

// node is one hub process over the common store.
type node struct {
	*Manager
	spawner *scripted
	mortal  *mortal
	process int
}

// node starts a hub process on a machine. Settings may be changed first.
func (h *hub) node(machine string, change ...func(*Settings)) *node {
	h.t.Helper()
	n := &node{mortal: &mortal{Store: h.open()}, spawner: &scripted{platform: h.platform, machine: machine}}
	settings := Settings{
		Spawner: n.spawner, APIURL: "http://hub/hub/api", Probe: h.platform,
		Named: NamedServers{Enabled: true},
	}
	for _, c := range change {
		c(&settings)
	}
	var err error
	n.Manager, err = New(Options{Store: n.mortal, Directory: h.directory, Node: machine, Settings: settings})
	if err != nil {
		h.t.Fatal(err)
	}
	// Each is a process of its own, which lives until it is killed.
	h.platform.mu.Lock()
	h.platform.processes++
	n.process = h.platform.processes
	h.platform.mu.Unlock()
	n.self.Process, n.self.PID = fmt.Sprint("process ", n.process), n.process
	n.dead = func(other holder) bool { return other.Node == machine && h.platform.killed(other.PID) }

	var running sync.WaitGroup
	running.Go(func() { _ = n.Run(context.Background()) })
	h.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		n.spawner.unblock()
		_ = n.Close(ctx)
		running.Wait()
	})
	return n
}

// kill is kill -9: from now on the process reaches nothing.
func (n *node) kill() {
	n.mortal.dead.Store(true)
	n.spawner.platform.mu.Lock()
	defer n.spawner.platform.mu.Unlock()
	n.spawner.platform.dead = append(n.spawner.platform.dead, n.process)
}

// mortal is a process's way to the store.
type mortal struct {
	store.Store
	dead atomic.Bool
	// away makes the store unreachable for this process.
	away atomic.Bool
}

func (m *mortal) trouble() error {
	switch {
	case m.dead.Load():
		return store.ErrClosed
	case m.away.Load():
		return store.ErrUnavailable
	}
	return nil
}

func (m *mortal) View(ctx context.Context, read func(store.Reader) error) error {
	if err := m.trouble(); err != nil {
		return err
	}
	return m.Store.View(ctx, read)
}

func (m *mortal) Update(ctx context.Context, write func(store.Writer) error) error {
	if err := m.trouble(); err != nil {
		return err
	}
	return m.Store.Update(ctx, func(w store.Writer) error {
		if err := m.trouble(); err != nil {
			return err
		}
		return write(w)
	})
}

// platform is where servers run, and the network on which they answer.
type platform struct {
	mu        sync.Mutex
	programs  map[string]*program
	ports     int
	processes int
	dead      []int
}

func (p *platform) killed(process int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, dead := range p.dead {
		if dead == process {
			return true
		}
	}
	return false
}

// program is one server that was started.
type program struct {
	machine string
	url     string
	request spawner.Request
	running bool
	code    int
	// status is what it answers with; 0 means that it does not.
	status int
}

// RoundTrip is the probe of a server.
func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, program := range p.programs {
		if strings.HasSuffix(program.url, "//"+r.URL.Host) && program.running && program.status != 0 &&
			r.URL.Path == program.request.Prefix+"api" {
			return &http.Response{StatusCode: program.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
		}
	}
	return nil, errors.New("connection refused")
}

func (p *platform) run(machine string, request spawner.Request, status int) *program {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ports++
	running := &program{
		machine: machine, url: fmt.Sprintf("http://10.0.0.1:%d", 40000+p.ports),
		request: request, running: true, status: status,
	}
	p.programs[request.SpawnID] = running
	return running
}

// set changes the program of a user's server that runs.
func (p *platform) set(user string, change func(*program)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, program := range p.programs {
		if program.request.User == user && program.running {
			change(program)
		}
	}
}

func (p *platform) alive(user string) int {
	count := 0
	p.set(user, func(*program) { count++ })
	return count
}

// scripted is a spawner that does what a test says.
type scripted struct {
	platform *platform
	machine  string
	starts   atomic.Int64
	stops    atomic.Int64
	opened   sync.Once
	mu       sync.Mutex
	script
}

// script is what servers do that are started from now on.
type script struct {
	// pinned servers are seen on their own machine only.
	pinned bool
	// begin and finish are waited for, if set: before anything runs, and before
	// Start returns.
	begin, finish chan struct{}
	// deaf: Start does not notice the end of its context.
	deaf bool
	// status is what new servers answer with; 0 means 200, -1 that they do not.
	status int
	fails  error
	log    []string
}

// change changes the script while the node is at work.
func (s *scripted) change(change func(*script)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.script)
}

func (s script) heard(ctx context.Context) context.Context {
	if s.deaf {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (s *scripted) plan() script {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.script
}

// unblock lets everything go on.
func (s *scripted) unblock() {
	s.opened.Do(func() {
		plan := s.plan()
		for _, gate := range []chan struct{}{plan.begin, plan.finish} {
			if gate != nil {
				close(gate)
			}
		}
	})
}

func pass(ctx context.Context, gate chan struct{}) error {
	if gate == nil {
		return nil
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *scripted) Start(ctx context.Context, request spawner.Request, events spawner.Events) (spawner.Started, error) {
	s.starts.Add(1)
	plan := s.plan()
	if err := pass(plan.heard(ctx), plan.begin); err != nil {
		return spawner.Started{}, err
	}
	if plan.fails != nil {
		return spawner.Started{}, plan.fails
	}
	status := plan.status
	switch status {
	case 0:
		status = http.StatusOK
	case -1:
		status = 0
	}
	program := s.platform.run(s.machine, request, status)
	state := json.RawMessage(fmt.Sprintf(`{"machine":%q}`, s.machine))
	events.Progress(spawner.Progress{Percent: 50, Message: "Program started"})
	err := events.Save(ctx, state)
	if err == nil {
		err = pass(plan.heard(ctx), plan.finish)
	}
	if err != nil {
		s.platform.mu.Lock()
		defer s.platform.mu.Unlock()
		program.running = false
		return spawner.Started{}, err
	}
	return spawner.Started{URL: program.url, State: state}, nil
}

func (s *scripted) find(ref spawner.Ref) (*program, error) {
	program := s.platform.programs[ref.SpawnID]
	if program == nil {
		return nil, spawner.ErrNotFound
	}
	if s.plan().pinned && program.machine != s.machine {
		return nil, spawner.ErrElsewhere
	}
	return program, nil
}

func (s *scripted) Poll(_ context.Context, ref spawner.Ref) (spawner.Status, error) {
	s.platform.mu.Lock()
	defer s.platform.mu.Unlock()
	program, err := s.find(ref)
	if errors.Is(err, spawner.ErrNotFound) {
		return spawner.Status{ExitCode: spawner.UnknownExit}, nil
	}
	if err != nil {
		return spawner.Status{}, err
	}
	return spawner.Status{Running: program.running, ExitCode: program.code}, nil
}

func (s *scripted) Stop(_ context.Context, ref spawner.Ref, _ bool) error {
	s.platform.mu.Lock()
	defer s.platform.mu.Unlock()
	program, err := s.find(ref)
	if errors.Is(err, spawner.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	s.stops.Add(1)
	program.running = false
	return nil
}

func (s *scripted) Recover(_ context.Context, ref spawner.Ref) (spawner.Started, error) {
	s.platform.mu.Lock()
	defer s.platform.mu.Unlock()
	program, err := s.find(ref)
	if err != nil {
		return spawner.Started{}, err
	}
	if !program.running {
		return spawner.Started{}, spawner.ErrNotFound
	}
	return spawner.Started{URL: program.url, State: ref.State}, nil
}

func (s *scripted) Tail(context.Context, spawner.Ref, int) ([]string, error) {
	return s.plan().log, nil
}

// start starts a server and demands that it is accepted.
func (h *hub) start(n *node, user, name string) {
	h.t.Helper()
	if err := n.Start(h.t.Context(), user, name, nil); err != nil {
		h.t.Fatalf("start %s/%s: %v", user, name, err)
	}
}

// wait waits until nothing is pending.
func (h *hub) wait(n *node, user, name string) Server {
	h.t.Helper()
	s, err := n.Wait(h.t.Context(), user, name, time.Hour)
	if err != nil {
		h.t.Fatalf("wait for %s/%s: %v", user, name, err)
	}
	if s.Pending != PendingNone {
		h.t.Fatalf("%s/%s is still pending %s", user, name, s.Pending)
	}
	return s
}

func (h *hub) ready(n *node, user, name string) Server {
	h.t.Helper()
	h.start(n, user, name)
	s := h.wait(n, user, name)
	if !s.Ready {
		h.t.Fatalf("%s/%s is not ready: %+v", user, name, s.Failure)
	}
	return s
}

// routed is where requests for a server go; "" if nowhere.
func (h *hub) routed(spec route.Spec) (target string) {
	h.t.Helper()
	h.view(func(r store.Reader) error {
		found, err := route.Get(r, spec)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		target = found.Target.String()
		return err
	})
	return target
}

func (h *hub) view(read func(store.Reader) error) {
	h.t.Helper()
	if err := h.store.View(context.Background(), read); err != nil {
		h.t.Fatal(err)
	}
}

// count is how many records of a kind there are.
func (h *hub) count(kind string) (count int) {
	h.t.Helper()
	h.view(func(r store.Reader) error {
		records, err := r.List(kind, store.Page{})
		count = len(records)
		return err
	})
	return count
}

// spotless demands that a stopped server has left nothing behind.
func (h *hub) spotless() {
	h.t.Helper()
	for _, kind := range []string{"server_pending", "server_active", kindLease, route.Kind, "oauth_client", "token", "token_of_owner", "token_of_client"} {
		if count := h.count(kind); count != 0 {
			h.t.Errorf("%d records of kind %s are left", count, kind)
		}
	}
}

// collect reads a progress stream to its end.
func collect(t *testing.T, n *node, user, name string) (events []Event) {
	t.Helper()
	for event, err := range n.Progress(t.Context(), user, name) {
		if err != nil {
			t.Errorf("progress of %s/%s: %v", user, name, err)
		}
		events = append(events, event)
	}
	return events
}

// fixedRing is a key ring that is the same in every process of a test.
func fixedRing() (*keyring.Ring, error) {
	key := keyring.Key{ID: 1, Secret: []byte(strings.Repeat("k", 32)), From: time.Unix(0, 0).UTC()}
	return keyring.New([]keyring.Key{key}, time.Now)
}

func isExists(err error) bool { return errors.Is(err, identity.ErrExists) }

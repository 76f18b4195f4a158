// Package hubseed fills a store with users, tokens and servers that run, as a hub
// would have done over months, so that tests and benchmarks of the program begin
// with a full one. The servers are all one process, in the words of the process
// spawner, so that a hub that opens the store finds every one of them running.
package hubseed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/identity/keyring"
	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/scope"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/store"
	"github.com/caddyhub/caddyhub/caddyhub/store/embedded"
	"github.com/caddyhub/caddyhub/caddyhub/store/redis"
)

const (
	// starting is how many servers are started at once.
	starting = 64
	// together is how many users or tokens are written in one transaction.
	together = 500
)

// Seed is what a store is filled with.
type Seed struct {
	// Path is the file of an embedded store. Empty if Redis is given.
	Path string
	// Redis is the URL of a Redis store, Secret what protects its keys.
	Redis, Secret string
	// Users are the names of all users.
	Users []string
	// Tokens are API tokens that may do all that their user may: the first
	// token is the first user's. These users have a running default server each.
	Tokens []string
	// Process is the process that all servers are, Port where it is reached.
	Process, Port int
}

// Fill writes a seed into its store, which must be open nowhere else.
func (s Seed) Fill(ctx context.Context) (err error) {
	opened, source, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	keys, err := keyring.Open(ctx, source, time.Now)
	if err != nil {
		return err
	}
	directory := identity.New(identity.Options{Store: opened, Keys: keys})
	if err := s.fillUsers(ctx, directory); err != nil {
		return err
	}
	if err := s.fillServers(ctx, directory); err != nil {
		return err
	}
	return directory.Activity().Flush(ctx)
}

func (s Seed) open() (store.Store, keyring.Source, error) {
	if s.Redis != "" {
		opened, err := redis.Open(redis.Options{URL: s.Redis})
		return opened, keyring.Stored{Store: opened, Secret: []byte(s.Secret), Now: time.Now}, err
	}
	opened, err := embedded.Open(embedded.Options{Path: filepath.Clean(s.Path)})
	return opened, keyring.File{Path: s.Path + ".keys", Now: time.Now}, err
}

func (s Seed) fillUsers(ctx context.Context, directory *identity.Directory) error {
	now := time.Now()
	for i, name := range s.Users {
		ago := time.Duration(i%600) * time.Minute
		directory.Activity().Touch(identity.ActivityOfUser(name), now.Add(-ago))
	}
	for i := 0; i < len(s.Users); i += together {
		part := s.Users[i:min(i+together, len(s.Users))]
		if _, err := directory.CreateUsers(ctx, part, false); err != nil {
			return err
		}
	}
	for i := 0; i < len(s.Tokens); i += together {
		err := directory.Store().Update(ctx, func(w store.Writer) error {
			for j := i; j < min(i+together, len(s.Tokens)); j++ {
				details := identity.NewToken{Owner: identity.UserOwner(s.Users[j]), Scopes: []string{scope.Inherit}}
				if _, err := directory.CreateTokenIn(w, s.Tokens[j], details); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fillServers starts a server for every token, on a platform where starting is
// nothing.
func (s Seed) fillServers(ctx context.Context, directory *identity.Directory) error {
	platform, err := s.platform()
	if err != nil {
		return err
	}
	manager, err := server.New(server.Options{Store: directory.Store(), Directory: directory, Settings: server.Settings{
		Spawner: platform, Probe: platform, APIURL: "http://127.0.0.1/hub/api",
	}})
	if err != nil {
		return err
	}
	running, end := context.WithCancel(ctx)
	var loops, workers sync.WaitGroup
	loops.Go(func() { _ = manager.Run(running) }) // ends with its context
	names := make(chan string)
	failures := make(chan error, len(s.Tokens))
	for range starting {
		workers.Go(func() {
			for name := range names {
				failures <- start(ctx, manager, name)
			}
		})
	}
	for _, name := range s.Users[:len(s.Tokens)] {
		names <- name
	}
	close(names)
	workers.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	err = errors.Join(err, manager.Close(ctx))
	end()
	loops.Wait()
	return err
}

func start(ctx context.Context, manager *server.Manager, user string) error {
	if err := manager.Start(ctx, user, "", nil); err != nil {
		return fmt.Errorf("hubseed: start of %s: %w", user, err)
	}
	_, err := manager.Wait(ctx, user, "", time.Minute)
	return err
}

// platform is a spawner whose servers are all one process, and the network on
// which they answer.
type platform struct {
	state json.RawMessage
	url   string
}

func (s Seed) platform() (*platform, error) {
	machine, errMachine := osprocess.ThisMachine()
	info, errInfo := osprocess.Inspect(s.Process)
	node, errNode := os.Hostname()
	if err := errors.Join(errMachine, errInfo, errNode); err != nil {
		return nil, err
	}
	state, err := json.Marshal(map[string]any{
		"version": 1, "node": node, "boot_id": machine.Boot, "pid_namespace": machine.Namespace,
		"ip": "127.0.0.1", "port": s.Port, "pid": info.PID, "start_ticks": info.Ticks,
	})
	return &platform{state: state, url: fmt.Sprintf("http://127.0.0.1:%d", s.Port)}, err
}

// Start implements spawner.Spawner.
func (p *platform) Start(context.Context, spawner.Request, spawner.Events) (spawner.Started, error) {
	return spawner.Started{URL: p.url, State: p.state}, nil
}

// Poll implements spawner.Spawner.
func (*platform) Poll(context.Context, spawner.Ref) (spawner.Status, error) {
	return spawner.Status{Running: true}, nil
}

// Stop implements spawner.Spawner.
func (*platform) Stop(context.Context, spawner.Ref, bool) error { return nil }

// RoundTrip implements http.RoundTripper.
func (*platform) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

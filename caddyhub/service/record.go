package service

import (
	"context"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/store"
)

// Process is the running process of a service.
type Process struct {
	// Node is the machine that it runs on.
	Node string `json:"node"`
	osprocess.Machine
	// PID is its number there, and that of its process group; 0 while it is
	// being started.
	PID int `json:"pid"`
	// Ticks is its start time, as the system counts it.
	Ticks uint64 `json:"start_ticks"`
	// StartID is in its environment, as that of a spawn in a server's.
	StartID string `json:"start_id"`
	// Started is when it began.
	Started time.Time `json:"started"`
}

// processes are the running services by name. What a node that died has left
// stands there until the service is started again.
var processes = store.Collection[Process]{Kind: "service_process"}

// Find returns the process of a service, inside a transaction; false if the hub
// does not run it, or not at the moment.
func Find(r store.Reader, name string) (Process, bool, error) {
	return processes.Find(r, store.Join(name))
}

// storeTimeout bounds one call to the store.
const storeTimeout = 5 * time.Second

// remember notes a process, also one that is about to begin, so that whoever
// finds the start unfinished knows what to look for.
func (s *Supervisor) remember(ctx context.Context, name string, process Process) {
	s.note(ctx, name, func(w store.Writer) error { return processes.Put(w, store.Join(name), process, time.Time{}) })
}

// forget takes back what remember wrote, unless another node has written since.
func (s *Supervisor) forget(ctx context.Context, name string, process Process) {
	s.note(ctx, name, func(w store.Writer) error {
		known, found, err := Find(w, name)
		if err != nil || !found || known.StartID != process.StartID {
			return err
		}
		return processes.Delete(w, store.Join(name))
	})
}

// note writes what is good to know and no reason to stop a service for.
func (s *Supervisor) note(ctx context.Context, name string, write func(store.Writer) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := s.options.Store.Update(ctx, write); err != nil {
		s.log.Warn("process of a service not noted", "service", name, "error", err)
	}
}

// left is what an earlier run of a service may have left behind.
func (s *Supervisor) left(ctx context.Context, name string) (found Process, known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err = s.options.Store.View(ctx, func(r store.Reader) error {
		found, known, err = Find(r, name)
		return err
	})
	return found, known, err
}

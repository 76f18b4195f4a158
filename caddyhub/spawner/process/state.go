//go:build unix

package process

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// state is what the hub keeps of a server. PID is 0 before the process exists.
type state struct {
	Version int    `json:"version"`
	SpawnID string `json:"spawn_id"`
	Node    string `json:"node"`
	osprocess.Machine
	IP   string `json:"ip"`
	Port int    `json:"port"`
	PID  int    `json:"pid,omitempty"`
	// Ticks is the process's start time as the system counts it, on Linux in
	// clock ticks since the boot.
	Ticks uint64 `json:"start_ticks,omitempty"`
	// Log is the path of the log file, for operators who read the state.
	Log string `json:"log,omitempty"`
}

const stateVersion = 1

// readState reads what an earlier spawner saved. No state at all is that of a
// server of which nothing was begun.
func readState(data json.RawMessage) (state, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || bytes.Equal(data, []byte("null")) || bytes.Equal(data, []byte("{}")) {
		return state{}, nil
	}
	var known state
	if err := json.Unmarshal(data, &known); err != nil {
		return state{}, fmt.Errorf("%w: process spawner: %w", spawner.ErrState, err)
	}
	if known.Version != stateVersion || known.Node == "" || known.PID < 0 || known.PID == 1 {
		return state{}, fmt.Errorf("%w: process spawner: not a state of version %d", spawner.ErrState, stateVersion)
	}
	return known, nil
}

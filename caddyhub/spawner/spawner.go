package spawner

import (
	"context"
	"encoding/json"
)

// Spawner starts, watches and stops single-user servers. All methods may be
// called from any goroutine, for one server also at the same time.
type Spawner interface {
	// Start starts a server and returns when its address is known; whether it
	// answers there the hub finds out. It calls events.Save as soon as there is
	// something to clean up and before it waits for anything. When the context
	// ends before Start returns, or Save fails, it removes what it has begun
	// and returns an error that wraps the cause. An error meant for the user is
	// an *Error.
	Start(ctx context.Context, request Request, events Events) (Started, error)
	// Poll says whether the server runs. A server that is unknown to the
	// platform has exited. ErrElsewhere means that this node cannot tell: the
	// server keeps its status. Any other error too says nothing of the server.
	Poll(ctx context.Context, server Ref) (Status, error)
	// Stop ends the server, gracefully at first and then by force; with now set
	// by force at once. It returns nil when the server is gone, also when it
	// was gone before. When the context ends first, the server may still run
	// and Stop can be called again. ErrElsewhere is as in Poll.
	Stop(ctx context.Context, server Ref, now bool) error
}

// Recoverer is a Spawner that can find what a hub left behind that died inside
// Start, before or after it saved State.
type Recoverer interface {
	// Recover finds the server that was begun under the reference's SpawnID and
	// returns what Start would have returned; URL is empty if its address is not
	// known. ErrNotFound means that there is certainly nothing on this node's
	// platform, ErrElsewhere that this node cannot tell.
	Recover(ctx context.Context, server Ref) (Started, error)
}

// LogTailer is a Spawner that can show the end of a server's log, for the page
// that tells a user why the start failed.
type LogTailer interface {
	// Tail returns up to n last lines, oldest first, without line ends. Lines
	// are shortened and the whole is bounded; a server without a log has none.
	// The lines are the server's own words: hostile text, to be escaped.
	Tail(ctx context.Context, server Ref, n int) ([]string, error)
}

// Request is what the hub wants started.
type Request struct {
	// User and Server are the names; Server is "" for the default server.
	User   string
	Server string
	// SpawnID is random and different in every attempt to start a server. It is
	// safe in file names, labels and variables: see NewSpawnID.
	SpawnID string
	// Prefix is the path under which the server is reached, escaped and with a
	// slash at both ends: /user/ada/ or /user/ada/lab/.
	Prefix string
	// Environment is complete but for JUPYTERHUB_SERVICE_URL, which the spawner
	// sets, because only it knows the address to bind; see ServiceURL.
	Environment map[string]string
	// Options are the user's choices: any JSON, nil for none. They come from
	// the user and are to be checked as such.
	Options json.RawMessage
	// Limits are those of this server; they stand in Environment too.
	Limits Limits
	// Overrides are settings of the spawner that are other than usual for this
	// server, by their word in the configuration. An Overrider has agreed to them;
	// nobody else is given any.
	Overrides map[string][]string
}

// Ref returns the reference of the server that the request is about.
func (r Request) Ref(state json.RawMessage) Ref {
	return Ref{User: r.User, Server: r.Server, SpawnID: r.SpawnID, State: state}
}

// Ref names a server that was started before, perhaps by another node.
type Ref struct {
	User    string
	Server  string
	SpawnID string
	// State is what the spawner last saved or returned; nil if it never did.
	State json.RawMessage
}

// Events is how Start tells what it does. The hub implements it.
type Events interface {
	// Save keeps State durably. If it fails, Start must clean up and return the
	// error: the server could not be found again.
	Save(ctx context.Context, state json.RawMessage) error
	// Progress shows the user how far the start is. It does not block.
	Progress(Progress)
}

// Progress is one step of a start, as JupyterHub's progress stream shows it.
type Progress struct {
	// Percent is 0 to 99; 100 is the hub's own "ready".
	Percent int `json:"progress"`
	// Message is plain text.
	Message string `json:"message"`
	// HTML is markup made by the spawner itself, to show in place of Message;
	// empty for none.
	HTML string `json:"html_message,omitempty"`
}

// Started is a server whose address is known.
type Started struct {
	// URL is the origin at which the hub reaches the server, without a path:
	// http://127.0.0.1:41233.
	URL string
	// State replaces what was saved before.
	State json.RawMessage
}

// UnknownExit is the ExitCode of a server of which no node saw the end.
const UnknownExit = -1

// Status says whether a server runs. The zero value is one that ended with
// exit code 0.
type Status struct {
	Running bool
	// ExitCode is that of the server's program when it does not run: 128 plus
	// the signal's number if one ended it, UnknownExit if nobody knows.
	ExitCode int
	// Message says in a few words how it ended, for users; may be empty.
	Message string
}

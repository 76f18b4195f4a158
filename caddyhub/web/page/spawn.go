package page

import (
	"html/template"
	"time"
)

// SpawnOptions is the form that asks for options before a server starts.
type SpawnOptions struct {
	// ServerName is empty for the default server.
	ServerName string

	// ForUser is the owner, when somebody else starts the server. Empty: the
	// visitor.
	ForUser string

	// Action takes the form, as multipart/form-data.
	Action string

	// Fields are the options. Form is the same as HTML from the operator
	// (JupyterHub's options_form), trusted and shown below Fields; scripts and
	// styles inside it are stopped by the Content-Security-Policy and belong
	// into files under static/.
	Fields []Field
	Form   template.HTML

	// Error is why the last attempt failed, and Log holds the last lines that the
	// server wrote then, oldest first.
	Error string
	Log   []string
}

func (SpawnOptions) template() string { return "spawn" }

func (v SpawnOptions) prepare() View {
	v.Fields = withIDs(v.Fields, "option", map[string]bool{"spawn_form": true})
	return v
}

// SpawnPending shows a server that starts.
type SpawnPending struct {
	// ServerName is empty for the default server.
	ServerName string

	// ForUser is the owner, when somebody else watches. Empty: the visitor.
	ForUser string

	// ProgressURL is the stream of server-sent events (JupyterHub 1.4), without
	// _xsrf, which the page adds.
	ProgressURL string

	// Events so far, oldest first. The last one is the present state.
	Events []ProgressEvent

	// NextURL is where to go when the server is ready. Empty: to the address
	// in the ready event.
	NextURL string

	// RetryURL starts the server again after a failure.
	RetryURL string

	// StopURL takes a post that gives up the start. Empty: no such button.
	StopURL string
}

// ProgressEvent is a step of a start.
type ProgressEvent struct {
	// Percent is 0 to 100. Negative: not known.
	Percent int
	Message string
}

// Percent is the progress so far, 0 to 100.
func (v SpawnPending) Percent() int {
	percent := 0
	for _, event := range v.Events {
		if event.Percent >= 0 {
			percent = min(event.Percent, 100)
		}
	}
	return percent
}

// Message is the newest message.
func (v SpawnPending) Message() string {
	for i := len(v.Events) - 1; i >= 0; i-- {
		if v.Events[i].Message != "" {
			return v.Events[i].Message
		}
	}
	return ""
}

func (SpawnPending) template() string { return "spawn_pending" }

// StopPending shows a server that stops. The page loads itself again until the
// handler has something else to say.
type StopPending struct {
	ServerName string
	ForUser    string
}

func (StopPending) template() string { return "stop_pending" }

// NotRunning shows a server that does not run, or whose start failed.
type NotRunning struct {
	// ServerName is empty for the default server.
	ServerName string

	// ForUser is the owner, when somebody else looks. Empty: the visitor.
	ForUser string

	// Failed says that the last start failed, FailedMessage why, and Log holds
	// the last lines that the server wrote, oldest first.
	Failed        bool
	FailedMessage string
	Log           []string

	// StartURL starts the server. Empty: the visitor may not, and is told to
	// ask the owner.
	StartURL string

	// ImplicitSpawn is how long to wait before the server is started without a
	// click (JupyterHub's implicit_spawn_seconds). Zero: never.
	ImplicitSpawn time.Duration
}

func (NotRunning) template() string { return "not_running" }

// ImplicitMilliseconds is ImplicitSpawn for scripts; zero also when there is
// nothing to start or the last start failed, so that a failure never loops.
func (v NotRunning) ImplicitMilliseconds() int64 {
	if v.Failed || v.StartURL == "" || v.ImplicitSpawn < 0 {
		return 0
	}
	return v.ImplicitSpawn.Milliseconds()
}

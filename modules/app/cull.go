package app

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/cull"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Cull stops servers that nobody uses. It takes the place of the service
// jupyterhub-idle-culler, whose options are named beside ours; of several nodes
// one does it at a time. Pending servers are left alone.
type Cull struct {
	// Idle is for how long nothing must have happened: no request or open
	// WebSocket through the hub, and no activity of kernels that the server
	// reports, which it does every five minutes; shorter times stop servers in
	// which a kernel works and nobody looks (timeout). Default: inactivity is no
	// reason.
	Idle words.Duration `json:"idle,omitempty"`
	// IdleBy is what keeps a server from being idle: "activity" is what Idle says,
	// and JupyterHub's last_activity. "interaction" is what people do: they open a
	// page, send something over a WebSocket as one does who types or runs a cell,
	// or make a request that changes something. A tab that is open and asks for
	// news does not count then, nor what comes from the server, nor a kernel that
	// works with nobody there, however long it still has to. Notebooks that save
	// themselves because their kernel prints count as used, and so do applications
	// that send data to keep WebSockets alive. Users are measured by activity.
	// Default: activity.
	IdleBy string `json:"idle_by,omitempty"`
	// MaxAge is how long ago a server may have been started, active or not
	// (max-age). Default: age is no reason.
	MaxAge words.Duration `json:"max_age,omitempty"`
	// Interval is how often to look (cull-every). Default: half of idle, or of
	// max_age.
	Interval words.Duration `json:"interval,omitempty"`
	// DefaultServers is what becomes of idle servers without a name: "stop" or
	// "keep" (cull-default-servers). Default: stop.
	DefaultServers string `json:"default_servers,omitempty"`
	// NamedServers is what becomes of idle named servers: "stop", "remove" or
	// "keep" (cull-named-servers, remove-named-servers). With "remove" the user
	// does not find the server in the list again. Default: stop.
	NamedServers string `json:"named_servers,omitempty"`
	// Users is what becomes of users as idle or old as that, with no server
	// running: "keep" or "delete" (cull-users). Default: keep.
	Users string `json:"users,omitempty"`
	// AdminUsers is what becomes of administrators if users are deleted: "keep"
	// or "delete" (cull-admin-users). Default: delete.
	AdminUsers string `json:"admin_users,omitempty"`
	// Concurrency is how many are stopped or deleted at once (concurrency).
	// Default: 10.
	Concurrency int `json:"concurrency,omitempty"`
}

// What may become of whom.
const (
	cullKeep   = "keep"
	cullStop   = "stop"
	cullRemove = "remove"
	cullDelete = "delete"
)

// What idle is measured by.
const (
	cullByActivity    = "activity"
	cullByInteraction = "interaction"
)

func (a *App) parseCull(d *caddyfile.Dispenser) error {
	c := new(Cull)
	a.Cull = c
	err := block(d, "cull", map[string]words.Word{
		"idle":            words.ToDuration(&c.Idle),
		"idle_by":         words.ToText(&c.IdleBy),
		"max_age":         words.ToDuration(&c.MaxAge),
		"interval":        words.ToDuration(&c.Interval),
		"default_servers": words.ToText(&c.DefaultServers),
		"named_servers":   words.ToText(&c.NamedServers),
		"users":           words.ToText(&c.Users),
		"admin_users":     words.ToText(&c.AdminUsers),
		"concurrency":     words.ToNumber(&c.Concurrency),
	})
	if err == nil && a.checkCull() != nil {
		err = d.WrapErr(a.checkCull())
	}
	return err
}

// checkCull finds what makes no sense.
func (a *App) checkCull() error {
	c := a.Cull
	if c == nil {
		return nil
	}
	var problems []error
	if c.Idle <= 0 && c.MaxAge <= 0 {
		problems = append(problems, errors.New("caddyhub: cull: nothing would ever be culled; add a line such as \"idle 1h\""))
	}
	if c.Idle == 0 && c.IdleBy != "" {
		problems = append(problems, errors.New("caddyhub: cull: idle_by says how \"idle\" is measured; add a line such as \"idle 1h\""))
	}
	if c.Idle < 0 || c.MaxAge < 0 || c.Interval < 0 || c.Concurrency < 0 {
		problems = append(problems, errors.New("caddyhub: cull: a value is negative"))
	}
	for _, choice := range []struct {
		word, value string
		of          []string
	}{
		{"idle_by", c.IdleBy, []string{cullByActivity, cullByInteraction}},
		{"default_servers", c.DefaultServers, []string{cullStop, cullKeep}},
		{"named_servers", c.NamedServers, []string{cullStop, cullRemove, cullKeep}},
		{"users", c.Users, []string{cullKeep, cullDelete}},
		{"admin_users", c.AdminUsers, []string{cullKeep, cullDelete}},
	} {
		if choice.value == "" || slices.Contains(choice.of, choice.value) {
			continue
		}
		near := ""
		if guess := words.Nearest(choice.value, choice.of); guess != "" {
			near = fmt.Sprintf("; did you mean %q?", guess)
		}
		problems = append(problems, fmt.Errorf("caddyhub: cull: %s is one of %q, not %q%s", choice.word, choice.of, choice.value, near))
	}
	return errors.Join(problems...)
}

func (a *App) cullSettings() cull.Settings {
	c := a.Cull
	if c == nil {
		return cull.Settings{}
	}
	return cull.Settings{
		Idle: time.Duration(c.Idle), MaxAge: time.Duration(c.MaxAge), Interval: time.Duration(c.Interval),
		ByInteraction:      c.IdleBy == cullByInteraction,
		KeepDefaultServers: c.DefaultServers == cullKeep,
		KeepNamedServers:   c.NamedServers == cullKeep, RemoveNamedServers: c.NamedServers == cullRemove,
		Users: c.Users == cullDelete, KeepAdmins: c.AdminUsers == cullKeep,
		Concurrency: c.Concurrency,
	}
}

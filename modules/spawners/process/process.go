// Package process is the module caddyhub.spawners.process: single-user servers
// as processes of the hub's own machine.
package process

import (
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/process"
	"github.com/caddyhub/caddyhub/modules/app"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	caddy.RegisterModule(new(Spawner))
}

// Spawner starts each server as a process of this machine, in a session of its
// own, so that servers go on while the hub is restarted or upgraded. Under
// systemd set KillMode=process, or stopping the hub stops them all.
type Spawner struct {
	// Command is the program and its arguments; {username}, {servername} and
	// {base_url} stand for what they say. No shell is involved. Default:
	// jupyterhub-singleuser, found by PATH.
	Command []string `json:"command,omitempty"`
	// Args follow the command.
	Args []string `json:"args,omitempty"`
	// User is the system account that runs a server, such as {username}. The
	// hub must run as root for that. Default: the hub's own account.
	User string `json:"user,omitempty"`
	// Home is the home and working directory, such as /srv/home/{username}; it
	// is created if missing. Default: the home of the account.
	Home string `json:"home,omitempty"`
	// AllowRoot runs servers as root if the hub runs as root and no user is
	// given. It is for trials in a container. Default: refused.
	AllowRoot bool `json:"allow_root,omitempty"`
	// EnvKeep names variables of the hub's environment that servers get.
	// Default: those of JupyterHub's LocalProcessSpawner, PATH and LANG among them.
	EnvKeep []string `json:"env_keep,omitempty"`
	// LogDir holds a log file for each server. Default: server-logs in Caddy's
	// data directory.
	LogDir string `json:"log_dir,omitempty"`
	// IP is the address that servers listen on. Default: 127.0.0.1.
	IP string `json:"ip,omitempty"`
	// InterruptTimeout is how long a stop waits after SIGINT. Default: 10s.
	InterruptTimeout words.Duration `json:"interrupt_timeout,omitempty"`
	// TermTimeout is how long it waits after SIGTERM, which comes next. Default: 5s.
	TermTimeout words.Duration `json:"term_timeout,omitempty"`
	// KillTimeout is how long it waits after SIGKILL, the last. Default: 5s.
	KillTimeout words.Duration `json:"kill_timeout,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Spawner) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddyhub.spawners.process", New: func() caddy.Module { return new(Spawner) }}
}

// Provision sets defaults.
func (s *Spawner) Provision(caddy.Context) error {
	if s.LogDir == "" {
		s.LogDir = filepath.Join(caddy.AppDataDir(), "server-logs")
	}
	return nil
}

// Spawner makes it.
func (s *Spawner) Spawner(log *slog.Logger) (spawner.Spawner, error) {
	options := process.Options{
		Command: s.Command, Args: s.Args, User: s.User, CreateHome: s.Home != "", AllowRoot: s.AllowRoot,
		EnvKeep: s.EnvKeep, IP: s.IP, Logger: log,
		InterruptTimeout: time.Duration(s.InterruptTimeout),
		TermTimeout:      time.Duration(s.TermTimeout),
		KillTimeout:      time.Duration(s.KillTimeout),
	}
	if s.AllowRoot && s.User == "" && len(s.Command) == 0 && os.Geteuid() == 0 {
		// Jupyter has the same caution, and the same way to be told.
		options.Command = []string{"jupyterhub-singleuser", "--allow-root"}
	}
	var err error
	if options.LogDir, err = filepath.Abs(s.LogDir); err != nil {
		return nil, err
	}
	if s.Home != "" {
		if options.Home, err = filepath.Abs(s.Home); err != nil {
			return nil, err
		}
	}
	return process.New(options)
}

// UnmarshalCaddyfile sets up the module. Syntax:
//
//	spawner process {
//		command <words...>
//		args <words...>
//		user <account>
//		home <directory>
//		allow_root
//		env_keep <names...>
//		log_dir <directory>
//		ip <address>
//		interrupt_timeout <duration>
//		term_timeout <duration>
//		kill_timeout <duration>
//	}
func (s *Spawner) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	return words.Module(d, "spawner process", map[string]words.Word{
		"command":           words.ToTexts(&s.Command),
		"args":              words.ToTexts(&s.Args),
		"user":              words.ToText(&s.User),
		"home":              words.ToText(&s.Home),
		"allow_root":        words.ToTrue(&s.AllowRoot),
		"env_keep":          words.ToTexts(&s.EnvKeep),
		"log_dir":           words.ToText(&s.LogDir),
		"ip":                words.ToText(&s.IP),
		"interrupt_timeout": words.ToDuration(&s.InterruptTimeout),
		"term_timeout":      words.ToDuration(&s.TermTimeout),
		"kill_timeout":      words.ToDuration(&s.KillTimeout),
	})
}

// Interface guards
var (
	_ app.SpawnerModule     = (*Spawner)(nil)
	_ caddy.Provisioner     = (*Spawner)(nil)
	_ caddyfile.Unmarshaler = (*Spawner)(nil)
)

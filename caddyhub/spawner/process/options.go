//go:build unix

package process

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Options configure the spawner. The zero value runs jupyterhub-singleuser as
// the hub's own account, on the loopback interface, without logs.
type Options struct {
	// Command is the program and its first arguments, each a template; default
	// jupyterhub-singleuser. A program without a slash is looked up in the PATH
	// of the server's environment, one with a slash must be an absolute path.
	// No shell is involved.
	Command []string
	// Args follow Command; templates too.
	Args []string

	// User is a template for the system account that runs the server, such as
	// {username}. Empty means the hub's own account. Another account needs a hub
	// that runs as root.
	User string
	// MinUID is the lowest user id that User may lead to, so that nobody logs in
	// under the name of a system account. 0 means 1000 (500 on macOS). Root is
	// never allowed by way of User.
	MinUID uint32
	// AllowRoot runs servers as root when the hub runs as root and User is
	// empty. Default off: such a start is refused.
	AllowRoot bool
	// Home is a template for HOME and the working directory, an absolute path.
	// Empty means the account's home directory.
	Home string
	// CreateHome makes a missing Home directory with mode 0700, owned by the
	// server's account. Default off.
	CreateHome bool

	// EnvKeep names the variables of the hub's environment that servers get
	// too, where the request does not set them. Nil means DefaultEnvKeep; empty
	// means none.
	EnvKeep []string
	// LogDir holds one log file a server, and the one of the start before it.
	// It is made with mode 0700 if missing. Empty means that output is discarded.
	LogDir string
	// LogLimit is the size in bytes at which a log starts anew, looked at in
	// every Poll. 0 means 10 MiB.
	LogLimit int64

	// IP is the address that servers bind and the hub connects to; default 127.0.0.1.
	IP string
	// FirstPort and LastPort limit the ports that servers get; 0 and 0 mean 20000
	// to 32767, which no system hands out to others.
	FirstPort int
	LastPort  int

	// InterruptTimeout, TermTimeout and KillTimeout are how long Stop waits
	// after SIGINT, SIGTERM and SIGKILL; 0 means 10, 5 and 5 seconds.
	InterruptTimeout time.Duration
	TermTimeout      time.Duration
	KillTimeout      time.Duration

	// Node is the name of this machine among the nodes of a hub; empty means
	// the host name. Set it where the host name changes from start to start.
	Node string
	// Logger hears of starts and ends; nil means none.
	Logger *slog.Logger
}

// DefaultEnvKeep are the variables kept unless told otherwise, those of
// JupyterHub's LocalProcessSpawner.
func DefaultEnvKeep() []string {
	return []string{
		"CONDA_DEFAULT_ENV", "CONDA_ROOT", "JUPYTERHUB_SINGLEUSER_APP", "LANG", "LC_ALL",
		"LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "TZ", "VIRTUAL_ENV",
	}
}

const (
	defaultLogLimit = 10 << 20
	defaultPath     = "/usr/local/bin:/usr/bin:/bin"
)

func (o Options) withDefaults() Options {
	if len(o.Command) == 0 {
		o.Command = []string{"jupyterhub-singleuser"}
	}
	if o.EnvKeep == nil {
		o.EnvKeep = DefaultEnvKeep()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MinUID == 0 {
		o.MinUID = 1000
		if runtime.GOOS == "darwin" {
			o.MinUID = 500
		}
	}
	o.LogLimit = cmp.Or(o.LogLimit, defaultLogLimit)
	o.IP = cmp.Or(o.IP, "127.0.0.1")
	o.InterruptTimeout = cmp.Or(o.InterruptTimeout, 10*time.Second)
	o.TermTimeout = cmp.Or(o.TermTimeout, 5*time.Second)
	o.KillTimeout = cmp.Or(o.KillTimeout, 5*time.Second)
	return o
}

func (o Options) validate() error {
	var wrong []error
	fail := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("%w: process spawner: "+format, append([]any{spawner.ErrInvalid}, args...)...))
	}
	address, err := netip.ParseAddr(o.IP)
	if err != nil || address.IsUnspecified() || address.Zone() != "" {
		fail("ip %q is not an address that servers can bind and the hub connect to", o.IP)
	}
	if o.FirstPort < 0 || o.LastPort > 65535 || o.FirstPort > o.LastPort || (o.FirstPort == 0) != (o.LastPort == 0) {
		fail("ports %d to %d are not a range", o.FirstPort, o.LastPort)
	}
	if slices.Min([]time.Duration{o.InterruptTimeout, o.TermTimeout, o.KillTimeout}) < 0 || o.LogLimit < 0 {
		fail("a negative timeout or log limit")
	}
	if o.LogDir != "" && !filepath.IsAbs(o.LogDir) {
		fail("log directory %q is not an absolute path", o.LogDir)
	}
	if o.Home != "" && !filepath.IsAbs(o.Home) {
		fail("home %q is not an absolute path", o.Home)
	}
	if o.CreateHome && o.Home == "" {
		fail("create_home without home")
	}
	if o.Command[0] == "" {
		fail("an empty command")
	}
	return errors.Join(wrong...)
}

// nodeName is the name under which this machine's servers are remembered.
func (o Options) nodeName() (string, error) {
	if o.Node != "" {
		return o.Node, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("process spawner: host name: %w", err)
	}
	return name, nil
}

package configproxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

const (
	// portPatience is how long the command waits for an address to become free: a
	// proxy that is being replaced closes its listeners at once, but not sooner.
	portPatience = 3 * time.Second
	portPause    = 50 * time.Millisecond
)

// checkListen says which address cannot be had. Caddy's own listeners would share
// a port with another process of the same user without a word.
func checkListen(addresses []address) error {
	seen := make(map[string]string)
	for _, at := range addresses {
		if other, taken := seen[at.caddy()]; taken {
			return fmt.Errorf("%s and %s cannot both listen on %s", other, at.what, at)
		}
		seen[at.caddy()] = at.what
		if at.socket != "" {
			continue // Caddy takes over a socket that nobody listens on
		}
		if err := waitFor(at); err != nil {
			return fmt.Errorf("%s cannot listen on %s: %w", at.what, at, errors.Unwrap(err))
		}
	}
	return nil
}

func waitFor(at address) error {
	for deadline := time.Now().Add(portPatience); ; time.Sleep(portPause) {
		listener, err := net.Listen("tcp", at.caddy())
		if err == nil {
			return listener.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return err
		}
	}
}

// serve runs the configuration until a signal ends the process. It returns only
// if that could not start.
func serve(o *options, config *caddy.Config, warnings []string) error {
	caddy.TrapSignals()
	if err := caddy.Run(config); err != nil {
		return err
	}
	log := caddy.ActiveContext().Logger(new(Encoder))
	go watchSignals(log)
	for _, warning := range warnings {
		log.Warn(warning)
	}
	for _, line := range o.announcements() {
		log.Info(line)
	}
	if o.pidFile != "" {
		log.Info(fmt.Sprintf("Writing pid %d to %s", os.Getpid(), o.pidFile))
		if err := caddy.PIDFile(o.pidFile); err != nil {
			return errors.Join(fmt.Errorf("--pid-file: %w", err), caddy.Stop())
		}
	}
	select {}
}

// announcements are the lines that people and programs wait for.
func (o *options) announcements() []string {
	var lines []string
	if o.autoRewrite {
		lines = append(lines, "AutoRewrite of Location headers enabled.")
	}
	if o.changeOrigin {
		lines = append(lines, "Change Origin of host headers enabled.")
	}
	if o.protocolRewrite != "" {
		lines = append(lines, "ProtocolRewrite enabled. Rewriting to "+o.protocolRewrite)
	}
	target := o.defaultTarget
	if target == "" {
		target = "(no default)"
	}
	lines = append(lines,
		fmt.Sprintf("Proxying %s://%s to %s", scheme(o.ssl), o.proxyAddress(), target),
		fmt.Sprintf("Proxy API at %s://%s/api/routes", scheme(o.apiSSL), o.apiAddress()))
	if o.metrics() {
		lines = append(lines, fmt.Sprintf("Serve metrics at http://%s/metrics", o.metricsAddress()))
	}
	if o.redirects() {
		to := o.port
		if o.redirectTo != 0 {
			to = o.redirectTo
		}
		lines = append(lines, fmt.Sprintf("Added HTTP to HTTPS redirection from %d to %d", o.redirectPort, to))
	}
	return lines
}

func scheme(c certificate) string {
	if c.given() {
		return "https"
	}
	return "http"
}

// warnings are those of the configuration, and what the options themselves give
// reason for.
func (o *options) warnings(found []string) []string {
	if o.allInterfacesOld {
		found = append(found, "Interpreting ip='*' as all-interfaces. Preferred usage is 0.0.0.0 for all IPv4 or '' for all-interfaces.")
	}
	if strings.HasPrefix(o.store, "redis://") && strings.Contains(o.store, "@") {
		found = append(found, "--store shows a password to whoever lists processes, unless it came from CADDYHUB_PROXY_STORE.")
	}
	return found
}

// watchSignals says what ends the process, which Caddy does: it closes the
// listeners, lets requests end and stops. At a hangup of the terminal, which Caddy
// would ignore and configurable-http-proxy dies of, it is asked to.
func watchSignals(log *zap.Logger) {
	signals := make(chan os.Signal, 3)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for received := range signals {
		if received != syscall.SIGHUP {
			log.Warn(map[os.Signal]string{os.Interrupt: "Interrupted", syscall.SIGTERM: "Terminated"}[received])
			continue
		}
		self, err := os.FindProcess(os.Getpid())
		if err != nil || self.Signal(os.Interrupt) != nil {
			os.Exit(caddy.ExitCodeForceQuit)
		}
	}
}

package app

import (
	"os"

	"github.com/caddyserver/caddy/v2"
)

// exit ends this process as an operator would: Caddy closes its listeners, lets
// requests finish within the grace period and stops its apps. It returns before
// that has happened. Whatever else this Caddy serves ends too.
func (a *App) exit() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(os.Interrupt)
	}
	if err == nil {
		return
	}
	// Where processes cannot be signalled, such as on Windows.
	if err := caddy.Stop(); err != nil {
		a.log.Error("the configuration did not stop cleanly", "error", err)
	}
	os.Exit(0)
}

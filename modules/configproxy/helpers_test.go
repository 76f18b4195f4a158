package configproxy

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func caddyContext(t *testing.T) caddy.Context {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	return ctx
}

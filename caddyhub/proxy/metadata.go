package proxy

import (
	"errors"
	"net/netip"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/route"
)

var errMetadata = errors.New("the address is one at which a cloud tells machines their credentials")

// refuseMetadata is the Control of a net.Dialer. That sees the address when its
// name has been resolved, so that no name leads where no target may.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err == nil && route.IsMetadata(to.Addr()) {
		return errMetadata
	}
	return nil
}

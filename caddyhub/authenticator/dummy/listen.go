package dummy

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// CheckListen refuses to serve this authenticator, if it has no password, where
// others than the users of this machine could reach it. Addresses are those that
// the hub listens on, as Caddy writes them: [NETWORK/]HOST:PORT or unix/PATH. An
// address without a host stands for all interfaces. What cannot be understood
// counts as reachable, and no address at all is nothing to refuse. With
// allowedAnyway the configuration has said that it is meant so.
//
// It cannot see a proxy that passes on requests of others from this machine.
func (a *Authenticator) CheckListen(addresses []string, allowedAnyway bool) error {
	if !a.open || allowedAnyway {
		return nil
	}
	for _, address := range addresses {
		if !isLocal(address) {
			return fmt.Errorf("authenticator dummy without a password lets everybody log in as anybody, "+
				"and %q can be reached from other machines: listen on a loopback address such as 127.0.0.1 or [::1], "+
				"set a password, or use another authenticator", address)
		}
	}
	return nil
}

// isLocal reports whether only this machine can reach the address.
func isLocal(address string) bool {
	network, rest, found := strings.Cut(address, "/")
	if !found {
		network, rest = "tcp", address
	}
	switch network {
	case "unix", "unixgram", "unixpacket", "unix+h2c":
		return true
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
		return isLoopback(hostOf(rest))
	}
	return false
}

// hostOf leaves out the port, which may be a range.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
}

// isLoopback asks no resolver: what a name stands for may change after the answer.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

package route

import "net/netip"

// metadata are the addresses at which clouds tell a machine its own credentials, to
// whoever asks from there: the EC2 service and those like it (Azure, Google,
// OpenStack, DigitalOcean, Oracle), the ones of ECS and EKS, Alibaba's, and Azure's
// wire server.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("169.254.169.254"): true,
	netip.MustParseAddr("fd00:ec2::254"):   true,
	netip.MustParseAddr("169.254.170.2"):   true,
	netip.MustParseAddr("169.254.170.23"):  true,
	netip.MustParseAddr("fd00:ec2::23"):    true,
	netip.MustParseAddr("100.100.100.200"): true,
	netip.MustParseAddr("168.63.129.16"):   true,
}

// IsMetadata says whether an address is one at which a cloud tells a machine its
// credentials. A route there would give them to whoever may set routes; no target
// and no connection leads there, whatever name it had.
//
// All other link-local addresses may be targets: containers reach their host by
// them. Those of IPv6 cannot, since a target has no zone.
func IsMetadata(address netip.Addr) bool { return metadata[address.Unmap().WithZone("")] }

package scope

import "cmp"

// Client is the OAuth client that issued a token: that of a server or that of a
// service, never both. The zero Client is the hub itself.
type Client struct {
	Server  Server
	Service string
}

// Owner is for whom scopes are expanded. It fills in the placeholders and self.
// A group, which owns no tokens but may be given shares, is the zero Owner.
type Owner struct {
	// User or Service, one of the two.
	User    string
	Service string
	// Client issued the token whose scopes these are; zero for scopes of roles
	// and for tokens issued by the hub.
	Client Client
}

// fill returns the filter that a placeholder stands for. It reports false if it
// stands for nothing here. The service of the client goes before the service
// that owns the token, as in JupyterHub.
func (o Owner) fill(placeholder Kind) (Filter, bool) {
	var value string
	switch placeholder {
	case KindUser:
		value = o.User
	case KindService:
		value = cmp.Or(o.Client.Service, o.Service)
	case KindServer:
		if o.Client.Service == "" && !o.Client.Server.IsZero() {
			value = o.Client.Server.String()
		}
	}
	return Filter{Kind: placeholder, Value: value}, value != ""
}

// SelfScopes is what "self" means for a user: to read and use what is theirs. It
// is empty without a user.
func SelfScopes(user string) Set {
	b := make(builder, len(selfNames))
	b.addSelf(user)
	return b.set()
}

// selfNames are the scopes that every user has on their own account
// (JupyterHub's documentation, "Scope conventions").
var selfNames = []string{
	"access:servers",
	"delete:servers",
	"read:servers",
	"read:shares",
	"read:tokens",
	"read:users",
	"read:users:activity",
	"read:users:groups",
	"read:users:name",
	"read:users:shares",
	"servers",
	"tokens",
	"users:activity",
	"users:shares",
}

func (b builder) addSelf(user string) {
	if user != "" {
		b.add(Filter{Kind: KindUser, Value: user}, selfNames...)
	}
}

// IdentifyScopes is what a token needs to say whose it is: the name and groups
// of a user, the name of a service. Every token may have it as far as its owner
// does.
func IdentifyScopes(owner Owner) Set {
	b := make(builder)
	switch {
	case owner.User != "":
		b.add(Filter{KindUser, owner.User}, "read:users:name", "read:users:groups")
	case owner.Service != "":
		b.add(Filter{KindService, owner.Service}, "read:services:name")
	}
	return b.set()
}

// AccessScopes is what a user needs to log in to an OAuth client: the scope to
// use that server or service. It is empty for the hub itself.
func AccessScopes(client Client) Set {
	b := make(builder)
	switch {
	case !client.Server.IsZero():
		b.add(Filter{KindServer, client.Server.String()}, "access:servers")
	case client.Service != "":
		b.add(Filter{KindService, client.Service}, "access:services")
	}
	return b.set()
}

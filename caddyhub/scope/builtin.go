package scope

// builtin is JupyterHub 5's scopes with their immediate subscopes
// (documentation, "Scopes in JupyterHub").
var builtin = map[string]Custom{
	NoScope: {Description: "Know who you are"},
	Self:    {Description: "Everything that is your own: your account, servers and tokens"},
	Inherit: {Description: "Everything that you can do yourself"},

	"admin-ui": {Description: "Open the admin page; what can be done there needs further permissions"},
	"admin:users": {
		Description: "Create, change and delete users, and read what their login provider says of them",
		Subscopes:   []string{"admin:auth_state", "users", "read:roles:users", "delete:users"},
	},
	"admin:auth_state": {Description: "Read what the login provider says of users, which may include secrets"},
	"users": {
		Description: "Read and change users, but not their servers, tokens or login state",
		Subscopes:   []string{"read:users", "list:users", "users:activity"},
	},
	"delete:users": {Description: "Delete users"},
	"list:users": {
		Description: "List users with at least their names",
		Subscopes:   []string{"read:users:name"},
	},
	"read:users": {
		Description: "Read users: names, groups, activity and the address of a running default server",
		Subscopes:   []string{"read:users:name", "read:users:groups", "read:users:activity"},
	},
	"read:users:name":     {Description: "Read the names of users"},
	"read:users:groups":   {Description: "Read which groups users are in"},
	"read:users:activity": {Description: "Read when users were last active"},
	"users:activity": {
		Description: "Report when users were last active",
		Subscopes:   []string{"read:users:activity"},
	},

	"read:roles": {
		Description: "Read which roles are given to whom",
		Subscopes:   []string{"read:roles:users", "read:roles:services", "read:roles:groups"},
	},
	"read:roles:users":    {Description: "Read the roles of users"},
	"read:roles:services": {Description: "Read the roles of services"},
	"read:roles:groups":   {Description: "Read the roles of groups"},

	"admin:servers": {
		Description: "Create, start, stop and delete servers, and read their internal state",
		Subscopes:   []string{"admin:server_state", "servers"},
	},
	"admin:server_state": {Description: "Read and change the internal state of servers"},
	"servers": {
		Description: "Start and stop servers",
		Subscopes:   []string{"read:servers", "delete:servers"},
	},
	"read:servers": {
		Description: "Read servers and the names of their users, without internal state",
		Subscopes:   []string{"read:users:name"},
	},
	"delete:servers": {Description: "Stop and delete servers"},
	"access:servers": {Description: "Use servers, in the browser and by program"},

	"tokens": {
		Description: "Read, create, change and delete tokens of users",
		Subscopes:   []string{"read:tokens"},
	},
	"read:tokens": {Description: "Read about tokens of users"},

	"admin:groups": {
		Description: "Create, change and delete groups",
		Subscopes:   []string{"groups", "read:roles:groups", "delete:groups"},
	},
	"groups": {
		Description: "Read and change groups and who is in them, which may change what members can do",
		Subscopes:   []string{"read:groups", "list:groups"},
	},
	"list:groups": {
		Description: "List groups with at least their names",
		Subscopes:   []string{"read:groups:name"},
	},
	"read:groups": {
		Description: "Read groups, their members and properties",
		Subscopes:   []string{"read:groups:name"},
	},
	"read:groups:name": {Description: "Read the names of groups"},
	"delete:groups":    {Description: "Delete groups"},

	"admin:services": {
		Description: "Create, change and delete services that are not part of the configuration",
		Subscopes:   []string{"list:services", "read:services", "read:roles:services"},
	},
	"list:services": {
		Description: "List services with at least their names",
		Subscopes:   []string{"read:services:name"},
	},
	"read:services": {
		Description: "Read services",
		Subscopes:   []string{"read:services:name"},
	},
	"read:services:name": {Description: "Read the names of services"},
	"access:services":    {Description: "Use services, in the browser and by program"},

	"shares": {
		Description: "Share servers and take shares back",
		Subscopes:   []string{"access:servers", "read:shares", "users:shares", "groups:shares"},
	},
	"read:shares": {Description: "Read with whom servers are shared"},
	"users:shares": {
		Description: "Read and leave the servers that are shared with users",
		Subscopes:   []string{"read:users:shares"},
	},
	"read:users:shares": {Description: "Read which servers are shared with users"},
	"groups:shares": {
		Description: "Read and leave the servers that are shared with groups",
		Subscopes:   []string{"read:groups:shares"},
	},
	"read:groups:shares": {Description: "Read which servers are shared with groups"},

	"read:hub":     {Description: "Read details of the hub itself"},
	"read:metrics": {Description: "Read the hub's metrics"},
	"proxy":        {Description: "Read the routing table and bring it up to date"},
	"shutdown":     {Description: "Shut the hub down"},
}

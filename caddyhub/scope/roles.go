package scope

// Role is a named list of scopes.
type Role struct {
	Name        string
	Description string
	// Scopes before expansion.
	Scopes []string
}

// The names of the roles that exist in every hub.
const (
	// UserRole is held by every user.
	UserRole = "user"
	// AdminRole is held by users and services whose admin flag is set, and by
	// nobody else. It cannot be redefined.
	AdminRole = "admin"
	// ServerRole is what the token in a server's environment gets.
	ServerRole = "server"
	// TokenRole is what tokens get that are requested without scopes.
	TokenRole = "token"
)

// DefaultRoles returns the roles that exist in every hub, in a new list that
// the caller may change.
func DefaultRoles() []Role {
	return []Role{
		{UserRole, "Everything that is a user's own", []string{Self}},
		{AdminRole, "Everything", []string{
			"admin-ui",
			"admin:users",
			"admin:servers",
			"admin:services",
			"tokens",
			"admin:groups",
			"list:services",
			"read:services",
			"read:hub",
			"proxy",
			"shutdown",
			"access:services",
			"access:servers",
			"read:roles",
			"read:metrics",
			"shares",
		}},
		{ServerRole, "Report activity and use the server itself", []string{
			"users:activity!user",
			"access:servers!server",
		}},
		{TokenRole, "Everything that the owner can do", []string{Inherit}},
	}
}

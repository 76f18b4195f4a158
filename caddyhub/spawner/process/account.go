//go:build unix

package process

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// account finds the system account for a request. Its name comes from a hub
// user's, so every way to an account of the system itself is closed.
func (s *Spawner) account(request spawner.Request) (osprocess.Account, error) {
	if s.options.User == "" {
		return s.ownAccount()
	}
	owner, err := osprocess.FindAccount(s.user.Plain(request.Names()))
	if err != nil {
		return owner, &spawner.Error{Message: "There is no system account for this user.", Err: err}
	}
	if owner.UID == 0 || owner.UID < s.options.MinUID {
		return osprocess.Account{}, &spawner.Error{
			Message: "Servers may not run under this account.", Status: http.StatusForbidden,
			Err: fmt.Errorf("account %q has user id %d, below %d", owner.Name, owner.UID, max(s.options.MinUID, 1)),
		}
	}
	owner, err = owner.Become()
	if errors.Is(err, osprocess.ErrRoot) {
		return osprocess.Account{}, &spawner.Error{Message: "The hub cannot start servers for other system users.", Err: err}
	}
	return owner, err
}

func (s *Spawner) ownAccount() (osprocess.Account, error) {
	if os.Geteuid() == 0 && !s.options.AllowRoot {
		return osprocess.Account{}, &spawner.Error{
			Message: "The hub does not start servers as root.",
			Err:     errors.New("the hub runs as root: set user, or allow_root where that is meant"),
		}
	}
	return osprocess.OwnAccount()
}

//go:build unix

package process

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// account is the system account that runs a server.
type account struct {
	name  string
	home  string
	shell string
	uid   uint32
	gid   uint32
	// credential is nil where the account is the hub's own.
	credential *syscall.Credential
}

// account finds the system account for a request. Its name comes from a hub
// user's, so every way to an account of the system itself is closed.
func (s *Spawner) account(request spawner.Request) (account, error) {
	name := s.user.Plain(request.Names())
	if s.options.User == "" {
		return s.ownAccount()
	}
	if name == "" || strings.ContainsAny(name, "/:\x00\n") || strings.HasPrefix(name, "-") {
		return account{}, noAccount(name, errors.New("not the name of an account"))
	}
	entry, err := user.Lookup(name)
	if err != nil {
		return account{}, noAccount(name, err)
	}
	owner, err := describe(entry)
	if err != nil {
		return account{}, err
	}
	if entry.Username != name {
		return account{}, noAccount(name, fmt.Errorf("the system calls it %q", entry.Username))
	}
	if owner.uid == 0 || owner.uid < s.options.MinUID {
		return account{}, &spawner.Error{
			Message: "Servers may not run under this account.", Status: http.StatusForbidden,
			Err: fmt.Errorf("account %q has user id %d, below %d", name, owner.uid, max(s.options.MinUID, 1)),
		}
	}
	if int(owner.uid) == os.Geteuid() {
		return owner, nil
	}
	if os.Geteuid() != 0 {
		return account{}, &spawner.Error{
			Message: "The hub cannot start servers for other system users.",
			Err:     fmt.Errorf("running as %q needs a hub that runs as root", name),
		}
	}
	owner.credential, err = credential(entry, owner)
	return owner, err
}

func (s *Spawner) ownAccount() (account, error) {
	if os.Geteuid() == 0 && !s.options.AllowRoot {
		return account{}, &spawner.Error{
			Message: "The hub does not start servers as root.",
			Err:     errors.New("the hub runs as root: set user, or allow_root where that is meant"),
		}
	}
	entry, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		// An arbitrary user id, as some container platforms give, has no entry.
		uid := os.Geteuid()
		entry = &user.User{Uid: strconv.Itoa(uid), Gid: strconv.Itoa(os.Getegid()), Username: strconv.Itoa(uid)}
	}
	entry.HomeDir = cmp.Or(os.Getenv("HOME"), entry.HomeDir, "/")
	owner, err := describe(entry)
	owner.gid = uint32(os.Getegid())
	return owner, err
}

func describe(entry *user.User) (account, error) {
	uid, err1 := strconv.ParseUint(entry.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(entry.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return account{}, fmt.Errorf("process spawner: account %q: %w", entry.Username, err)
	}
	return account{
		name: entry.Username, home: entry.HomeDir, shell: shellOf(entry.Username),
		uid: uint32(uid), gid: uint32(gid),
	}, nil
}

// credential names all groups of the account, so that none of the hub's stays.
func credential(entry *user.User, owner account) (*syscall.Credential, error) {
	ids, err := entry.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("process spawner: groups of %q: %w", entry.Username, err)
	}
	groups := make([]uint32, 0, len(ids))
	for _, id := range ids {
		group, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("process spawner: groups of %q: %w", entry.Username, err)
		}
		groups = append(groups, uint32(group))
	}
	return &syscall.Credential{Uid: owner.uid, Gid: owner.gid, Groups: groups}, nil
}

// shellOf reads the login shell, which os/user does not tell. Accounts that do
// not stand in the file (LDAP) get the common one.
func shellOf(name string) string {
	const common = "/bin/sh"
	file, err := os.Open("/etc/passwd")
	if err != nil {
		return common
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) == 7 && fields[0] == name {
			return cmp.Or(fields[6], common)
		}
	}
	return common
}

func noAccount(name string, err error) error {
	return &spawner.Error{
		Message: "There is no system account for this user.",
		Err:     fmt.Errorf("account %q: %w", name, err),
	}
}

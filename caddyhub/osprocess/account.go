//go:build unix

package osprocess

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// Account is a system account under which a process runs.
type Account struct {
	Name  string
	Home  string
	Shell string
	UID   uint32
	GID   uint32
	// Credential is nil where the account is the one that this process runs as.
	Credential *syscall.Credential
}

// ErrRoot says that a process for another account needs a hub that runs as root.
var ErrRoot = errors.New("only root may start processes of other accounts")

// OwnAccount is the account that this process runs as.
func OwnAccount() (Account, error) {
	entry, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		// An arbitrary user id, as some container platforms give, has no entry.
		uid := os.Geteuid()
		entry = &user.User{Uid: strconv.Itoa(uid), Gid: strconv.Itoa(os.Getegid()), Username: strconv.Itoa(uid)}
	}
	entry.HomeDir = cmp.Or(os.Getenv("HOME"), entry.HomeDir, "/")
	owner, err := describe(entry)
	owner.GID = uint32(os.Getegid())
	return owner, err
}

// FindAccount looks an account up by the name that the system has for it; names
// that only mean it, such as its number, are refused. Credential is not set.
func FindAccount(name string) (Account, error) {
	if name == "" || strings.ContainsAny(name, "/:\x00\n") || strings.HasPrefix(name, "-") {
		return Account{}, fmt.Errorf("account %q: not the name of an account", name)
	}
	entry, err := user.Lookup(name)
	if err != nil {
		return Account{}, fmt.Errorf("account %q: %w", name, err)
	}
	if entry.Username != name {
		return Account{}, fmt.Errorf("account %q: the system calls it %q", name, entry.Username)
	}
	return describe(entry)
}

// Become sets the credential by which a child runs under the account, with all
// groups of the account, so that none of the hub's stays. ErrRoot if this
// process is neither root nor of that account.
func (a Account) Become() (Account, error) {
	if int(a.UID) == os.Geteuid() {
		return a, nil
	}
	if os.Geteuid() != 0 {
		return a, fmt.Errorf("running as %q: %w", a.Name, ErrRoot)
	}
	entry, err := user.Lookup(a.Name)
	if err != nil {
		return a, fmt.Errorf("account %q: %w", a.Name, err)
	}
	ids, err := entry.GroupIds()
	if err != nil {
		return a, fmt.Errorf("groups of %q: %w", a.Name, err)
	}
	groups := make([]uint32, 0, len(ids))
	for _, id := range ids {
		group, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return a, fmt.Errorf("groups of %q: %w", a.Name, err)
		}
		groups = append(groups, uint32(group))
	}
	a.Credential = &syscall.Credential{Uid: a.UID, Gid: a.GID, Groups: groups}
	return a, nil
}

func describe(entry *user.User) (Account, error) {
	uid, err1 := strconv.ParseUint(entry.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(entry.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return Account{}, fmt.Errorf("account %q: %w", entry.Username, err)
	}
	return Account{
		Name: entry.Username, Home: entry.HomeDir, Shell: shellOf(entry.Username),
		UID: uint32(uid), GID: uint32(gid),
	}, nil
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

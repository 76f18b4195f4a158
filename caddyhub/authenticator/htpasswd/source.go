package htpasswd

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
)

// maxFile is how big a file may be, in bytes: some fifty thousand users.
const maxFile = 4 << 20

// settled is the age from which on a file that looks unchanged is taken to be so.
// A younger one may have been written twice within one tick of the file system's
// clock, and is read again.
const settled = 2 * time.Second

// source gives the users, and notices when the file has changed.
type source struct {
	path  string
	fixed []User
	by    comparers
	log   *slog.Logger

	mu      sync.Mutex
	current *table
	seen    stamp
	// failed is the last trouble that was logged; it is not logged again.
	failed string
}

// stamp is what a file looked like when it was read, and whether it may have
// changed since without looking otherwise.
type stamp struct {
	info  fs.FileInfo
	young bool
}

func newSource(o Options) (*source, error) {
	s := &source{
		path: o.File, fixed: o.Users, log: o.Log,
		by: comparers{bcrypt: o.Bcrypt, argon2id: o.Argon2id, other: o.Other},
	}
	var err error
	if s.path == "" {
		s.current, err = s.build("")
	} else {
		err = s.read()
	}
	return s, err
}

// users returns the users as they are now, or as they were last readable.
func (s *source) users(ctx context.Context) *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" {
		return s.current
	}
	if info, err := os.Stat(s.path); err == nil && s.seen.same(info) {
		return s.current
	}
	err := s.read()
	switch {
	case err == nil:
		s.failed = ""
	case s.failed != err.Error():
		s.failed = err.Error()
		s.log.LogAttrs(ctx, slog.LevelError, "users are those of before: the file cannot be taken", slog.String("error", s.failed))
	}
	return s.current
}

func (s stamp) same(info fs.FileInfo) bool {
	return s.info != nil && !s.young && os.SameFile(s.info, info) &&
		s.info.ModTime().Equal(info.ModTime()) && s.info.Size() == info.Size()
}

// read replaces the users by those of the file, or leaves all as it is.
func (s *source) read() error {
	text, seen, err := readFile(s.path)
	if err != nil {
		s.seen = seen // what is too big is not read again until it changes
		return fmt.Errorf("htpasswd: %w", err)
	}
	s.seen = seen
	users, err := s.build(text)
	if err == nil {
		s.current = users
	}
	return err
}

// build makes a table of a file's text and of the configuration.
func (s *source) build(text string) (*table, error) {
	users := newTable(len(s.fixed))
	if err := users.parse(text, s.by); err != nil {
		return nil, fmt.Errorf("htpasswd: %s: %w", s.path, err)
	}
	for _, user := range s.fixed {
		if err := users.add(user.Name, user.Hash, s.by); err != nil {
			return nil, fmt.Errorf("htpasswd: configuration: %w", err)
		}
	}
	return users, nil
}

// readFile reads a file that is a file, and not too big.
func readFile(path string) (text string, seen stamp, err error) {
	// A pipe would keep the login waiting, so it is looked at before it is opened.
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	if err != nil {
		return "", seen, err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", seen, err
	}
	defer file.Close()
	// Of the open file: the path may lead to another one by now.
	if info, err = file.Stat(); err != nil {
		return "", seen, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	seen = stamp{info: info, young: time.Since(info.ModTime()) < settled}
	switch {
	case err != nil:
		return "", stamp{}, err
	case len(data) > maxFile:
		return "", seen, fmt.Errorf("%s is bigger than %d bytes", path, maxFile)
	}
	return string(data), seen, nil
}

// Warnings tells of hashes that are quick to try passwords against.
func (a *Authenticator) Warnings(authenticator.Rules) []string {
	users := a.source.users(context.Background())
	cheap := 0
	for _, e := range users.entries {
		if e.kind == bcrypt && e.hash[4:6] < lowBcryptCost {
			cheap++
		}
	}
	var warnings []string
	if len(users.entries) == 0 {
		warnings = append(warnings, "There are no users yet, so nobody can log in.")
	}
	if cheap > 0 {
		warnings = append(warnings, fmt.Sprintf("The bcrypt hashes of %d users have a cost below %s, which is quick to guess with a copy of the file; "+
			"\"htpasswd -B -C 12\" makes better ones.", cheap, lowBcryptCost))
	}
	return warnings
}

// lowBcryptCost is the least cost that nothing is said about.
const lowBcryptCost = "10"

package htpasswd

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// kind is a way to hash passwords.
type kind int

const (
	other kind = iota
	bcrypt
	argon2id
)

// comparers are what compares hashes of each kind.
type comparers map[kind]Comparer

// maxBcryptPassword is how much of a password bcrypt looks at, in bytes.
const maxBcryptPassword = 72

// Limits of what one hash may cost: a login with the dearest takes some seconds.
const (
	maxBcryptCost   = 17
	maxArgonMemory  = 1 << 20 // KiB
	maxArgonPasses  = 64
	maxArgonThreads = 64
	minArgonSalt    = 8
	minArgonKey     = 16
	maxArgonKey     = 512
)

// weak are kinds of hashes that a stolen file gives the passwords away with: how
// they begin, and what they are called.
var weak = []struct{ prefix, name string }{
	{"$apr1$", "Apache's MD5"}, {"$1$", "MD5-crypt"}, {"{SHA}", "SHA-1"}, {"{SSHA}", "salted SHA-1"}, {"{MD5}", "MD5"},
	{"{PLAIN}", "a plain password"}, {"$2x$", "a faulty variant of bcrypt"}, {"$3$", "an NT hash"}, {"$md5", "MD5"},
}

// kindOf says what a hash is, or why it is refused: because it is weak, or because
// comparing with it would fail, cost too much, or succeed with any password.
func kindOf(hash string) (kind, error) {
	for _, w := range weak {
		if strings.HasPrefix(hash, w.prefix) {
			return other, tooWeak(w.name)
		}
	}
	switch {
	case hash == "":
		return other, errors.New("the hash is empty")
	case strings.HasPrefix(hash, "$2"):
		return bcrypt, checkBcrypt(hash)
	case strings.HasPrefix(hash, "$argon2id$"):
		return argon2id, checkArgon2id(hash)
	case strings.HasPrefix(hash, "$argon2"):
		return other, errors.New("of argon2 only argon2id is understood")
	case !strings.HasPrefix(hash, "$"):
		return other, tooWeak("a plain password or crypt")
	}
	return other, nil
}

func tooWeak(name string) error {
	return fmt.Errorf("%s is refused, because a copy of it gives the password away; "+
		"make the entry again with \"htpasswd -B -C 12\" or \"caddy hash-password\"", name)
}

// shape is the cost, the salt and the digest.
var shape = regexp.MustCompile(`^\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}$`)

func checkBcrypt(hash string) error {
	parts := shape.FindStringSubmatch(hash)
	if parts == nil {
		return errors.New("the bcrypt hash is not complete")
	}
	if cost, _ := strconv.Atoi(parts[1]); cost < 4 || cost > maxBcryptCost {
		return fmt.Errorf("the cost of the bcrypt hash is %d; it must be 4 to %d", cost, maxBcryptCost)
	}
	return nil
}

// checkArgon2id takes the PHC string apart. An empty key would equal the key of
// any password, and no passes or no threads make the computation panic.
func checkArgon2id(hash string) error {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[2] != "v=19" {
		return errors.New("the argon2id hash is not complete, or not of version 19")
	}
	numbers := strings.Split(parts[3], ",")
	if len(numbers) != 3 {
		return errors.New("the argon2id hash has no m, t and p")
	}
	var cost [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		text, found := strings.CutPrefix(numbers[i], name)
		number, err := strconv.ParseUint(text, 10, 32)
		if !found || err != nil {
			return errors.New("the argon2id hash has no m, t and p")
		}
		cost[i] = number
	}
	memory, passes, threads := cost[0], cost[1], cost[2]
	if passes < 1 || threads < 1 || memory < 8*threads || memory > maxArgonMemory || passes > maxArgonPasses || threads > maxArgonThreads {
		return fmt.Errorf("the argon2id hash has m=%d,t=%d,p=%d; at most m=%d,t=%d,p=%d, and at least 8 KiB for each of one or more threads, are taken",
			memory, passes, threads, maxArgonMemory, maxArgonPasses, maxArgonThreads)
	}
	salt, wrongSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, wrongKey := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if wrongSalt != nil || wrongKey != nil || len(salt) < minArgonSalt || len(key) < minArgonKey || len(key) > maxArgonKey {
		return fmt.Errorf("the argon2id hash has a salt of less than %d or a key of less than %d bytes", minArgonSalt, minArgonKey)
	}
	return nil
}

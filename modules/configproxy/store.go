package configproxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// storeConfig is where routes are kept.
func (o *options) storeConfig(warnings *[]string) (object, error) {
	switch scheme, _, found := strings.Cut(o.store, "://"); {
	case o.store == "memory":
		return object{"type": "memory"}, nil
	case found && (strings.HasPrefix(scheme, "redis") || scheme == "unix"):
		return object{"type": "redis", "url": o.store}, nil
	case found:
		return nil, fmt.Errorf("--store is a file, memory, or redis://HOST:PORT, not %s://", scheme)
	case o.store != "":
		return object{"type": "embedded", "path": o.store}, nil
	}
	path := defaultStore(caddy.AppDataDir(), o.apiAddress())
	if err := writable(filepath.Dir(path)); err != nil {
		*warnings = append(*warnings, fmt.Sprintf("Routes are kept in memory only and end with this process: %v. --store says where else to keep them.", err))
		return object{"type": "memory"}, nil
	}
	return object{"type": "embedded", "path": path}, nil
}

// defaultStore is the file for the proxy whose API is at an address: on one
// machine no two have the same.
func defaultStore(folder string, api address) string {
	name := api.String()
	sum := sha256.Sum256([]byte(name))
	readable := strings.Trim(unsafeInFile.ReplaceAllString(name, "-"), "-.")
	if len(readable) > 60 {
		readable = readable[len(readable)-60:]
	}
	return filepath.Join(folder, "configurable-http-proxy", readable+"-"+hex.EncodeToString(sum[:4])+".db")
}

// writable makes a folder, if there is none, and tries it.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	probe, err := os.CreateTemp(folder, "try")
	if err != nil {
		return err
	}
	name := probe.Name()
	_ = probe.Close() // nothing was written
	return os.Remove(name)
}

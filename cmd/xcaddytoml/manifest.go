package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// manifest is xcaddy.toml: one build, and variants of it.
type manifest struct {
	build
	Variants map[string]variant `toml:"variants"`
}

// variant is a build in which absent keys mean those of the manifest.
type variant struct {
	Description string `toml:"description"`
	build
}

// build has the keys of xcaddy.Builder that xcaddy's command line can express.
// A pointer is nil where the key is absent.
type build struct {
	// CaddyVersion is a tag, branch or commit of Caddy.
	CaddyVersion string `toml:"caddy_version"`
	// Plugins are compiled in, in this order.
	Plugins      []plugin      `toml:"plugins"`
	Replacements []replacement `toml:"replacements"`
	// BuildFlags and ModFlags go to go build and go mod, quoted as for a shell.
	BuildFlags   string `toml:"build_flags"`
	ModFlags     string `toml:"mod_flags"`
	RaceDetector *bool  `toml:"race_detector"`
	Cgo          *bool  `toml:"cgo"`
}

type plugin struct {
	// ModulePath is the import path of a package that registers Caddy modules.
	ModulePath string `toml:"module_path"`
	// Version is empty for the latest.
	Version string `toml:"version"`
}

type replacement struct {
	// Old is a Go module, with @version if only that one is replaced.
	Old string `toml:"old"`
	// New is a folder, which begins with a dot or a slash, or a module@version.
	New string `toml:"new"`
}

func readManifest(file string) (manifest, error) {
	var m manifest
	meta, err := toml.DecodeFile(file, &m)
	if err != nil {
		return manifest{}, fmt.Errorf("%s: %w", file, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return manifest{}, fmt.Errorf("%s: unknown key %s", file, unknown[0])
	}
	if err := m.check(); err != nil {
		return manifest{}, fmt.Errorf("%s: %w", file, err)
	}
	for name, v := range m.Variants {
		if err := v.check(); err != nil {
			return manifest{}, fmt.Errorf("%s: variant %s: %w", file, name, err)
		}
	}
	if m.CaddyVersion == "" {
		return manifest{}, fmt.Errorf("%s: caddy_version is missing", file)
	}
	return m, nil
}

func (b build) check() error {
	for _, p := range b.Plugins {
		// Either would run into what xcaddy makes of the argument.
		if p.ModulePath == "" || strings.ContainsAny(p.ModulePath+p.Version, "@= ") {
			return fmt.Errorf("plugin %q at version %q: give module_path and version by themselves", p.ModulePath, p.Version)
		}
	}
	for _, r := range b.Replacements {
		if r.Old == "" || r.New == "" || strings.ContainsAny(r.Old+r.New, "= ") {
			return fmt.Errorf("replacement of %q by %q: give old and new", r.Old, r.New)
		}
	}
	return nil
}

// variant returns the build of a variant, or that of the manifest itself if the
// name is empty.
func (m manifest) variant(name string) (build, error) {
	if name == "" {
		return m.build, nil
	}
	v, ok := m.Variants[name]
	if !ok {
		return build{}, fmt.Errorf("no variant %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(m.Variants)), ", "))
	}
	return m.override(v.build), nil
}

// override returns b with the keys that other gives.
func (b build) override(other build) build {
	return build{
		CaddyVersion: cmp.Or(other.CaddyVersion, b.CaddyVersion),
		Plugins:      either(other.Plugins, b.Plugins),
		Replacements: either(other.Replacements, b.Replacements),
		BuildFlags:   cmp.Or(other.BuildFlags, b.BuildFlags),
		ModFlags:     cmp.Or(other.ModFlags, b.ModFlags),
		RaceDetector: cmp.Or(other.RaceDetector, b.RaceDetector),
		Cgo:          cmp.Or(other.Cgo, b.Cgo),
	}
}

// either takes an empty list for given, so that a variant can have none.
func either[T any](given, otherwise []T) []T {
	if given != nil {
		return given
	}
	return otherwise
}

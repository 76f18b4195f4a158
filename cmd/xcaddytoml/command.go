package main

import (
	"regexp"
	"strings"
)

// command is one call of xcaddy: its arguments, and the environment variables
// for what it takes no argument for.
type command struct {
	env  []string
	args []string
}

func (b build) command(output string) command {
	c := command{args: []string{"build", b.CaddyVersion, "--output", output}}
	for _, p := range b.Plugins {
		with := p.ModulePath
		if p.Version != "" {
			with += "@" + p.Version
		}
		c.args = append(c.args, "--with", with)
	}
	for _, r := range b.Replacements {
		c.args = append(c.args, "--replace", r.Old+"="+r.New)
	}
	if b.BuildFlags != "" {
		c.env = append(c.env, "XCADDY_GO_BUILD_FLAGS="+b.BuildFlags)
	}
	if b.ModFlags != "" {
		c.env = append(c.env, "XCADDY_GO_MOD_FLAGS="+b.ModFlags)
	}
	if b.RaceDetector != nil {
		c.env = append(c.env, "XCADDY_RACE_DETECTOR="+digit(*b.RaceDetector))
	}
	if b.Cgo != nil {
		c.env = append(c.env, "CGO_ENABLED="+digit(*b.Cgo))
	}
	return c
}

func digit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// String is the command as a POSIX shell takes it.
func (c command) String() string {
	var words []string
	for _, setting := range c.env {
		name, value, _ := strings.Cut(setting, "=")
		words = append(words, name+"="+quote(value))
	}
	words = append(words, "xcaddy")
	for _, arg := range c.args {
		words = append(words, quote(arg))
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

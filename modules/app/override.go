package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Override is what is other than usual for some servers.
type Override struct {
	// Environment sets variables, over those that are set for every server; null
	// takes one of those back, in a Caddyfile "environment -NAME".
	Environment map[string]*string `json:"environment,omitempty"`
	// DefaultURL replaces that of the servers.
	DefaultURL string `json:"default_url,omitempty"`
	// NotebookDir replaces that of the servers.
	NotebookDir string `json:"notebook_dir,omitempty"`
	// StartTimeout replaces that of the servers.
	StartTimeout words.Duration `json:"start_timeout,omitempty"`
	// HTTPTimeout replaces that of the servers.
	HTTPTimeout words.Duration `json:"http_timeout,omitempty"`
	// MemLimit replaces that of the servers.
	MemLimit string `json:"mem_limit,omitempty"`
	// MemGuarantee replaces that of the servers.
	MemGuarantee string `json:"mem_guarantee,omitempty"`
	// CPULimit replaces that of the servers.
	CPULimit string `json:"cpu_limit,omitempty"`
	// CPUGuarantee replaces that of the servers.
	CPUGuarantee string `json:"cpu_guarantee,omitempty"`
	// Spawner has settings of the spawner's own, by their word, each with a list
	// of values: "args" of the spawner process, for example. In a Caddyfile the
	// words stand among the others.
	Spawner map[string][]string `json:"spawner,omitempty"`
}

// OverrideWords is a SpawnerModule some of whose words may stand where something
// is said for some servers only.
type OverrideWords interface {
	// OverrideWords are the words, each with one or more values.
	OverrideWords() []string
}

// overrideWords are those of a module of this name, if it has any.
func overrideWords(name string) []string {
	info, err := caddy.GetModule("caddyhub.spawners." + name)
	if err != nil {
		return nil
	}
	if module, has := info.New().(OverrideWords); has {
		return module.OverrideWords()
	}
	return nil
}

// words are those of an override, with the spawner's own.
func (o *Override) words(own []string) map[string]words.Word {
	known := map[string]words.Word{
		"environment":   words.Many(o.parseEnvironment),
		"default_url":   words.ToText(&o.DefaultURL),
		"notebook_dir":  words.ToText(&o.NotebookDir),
		"start_timeout": words.ToDuration(&o.StartTimeout),
		"http_timeout":  words.ToDuration(&o.HTTPTimeout),
		"mem_limit":     words.ToText(&o.MemLimit),
		"mem_guarantee": words.ToText(&o.MemGuarantee),
		"cpu_limit":     words.ToText(&o.CPULimit),
		"cpu_guarantee": words.ToText(&o.CPUGuarantee),
	}
	for _, word := range own {
		known[word] = words.Once(func(d *caddyfile.Dispenser) error {
			values, err := words.Texts(d)
			if err != nil {
				return err
			}
			if o.Spawner == nil {
				o.Spawner = make(map[string][]string)
			}
			o.Spawner[word] = values
			return nil
		})
	}
	return known
}

func (o *Override) parseEnvironment(d *caddyfile.Dispenser) error {
	word, args := d.Val(), d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 || len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		return d.Errf("%s takes a name and a value, or -NAME to take a variable back", word)
	}
	name, removed := strings.CutPrefix(args[0], "-")
	if removed == (len(args) == 2) {
		return d.Errf("%s: -NAME takes no value", word)
	}
	if _, given := o.Environment[name]; given {
		return d.Errf("%s %s is given twice", word, name)
	}
	if o.Environment == nil {
		o.Environment = make(map[string]*string)
	}
	o.Environment[name] = nil
	if !removed {
		o.Environment[name] = &args[1]
	}
	return nil
}

func (o Override) override() spawner.Override {
	return spawner.Override{
		Environment: o.Environment, DefaultURL: o.DefaultURL, NotebookDir: o.NotebookDir,
		StartTimeout: time.Duration(o.StartTimeout), HTTPTimeout: time.Duration(o.HTTPTimeout),
		MemLimit: o.MemLimit, MemGuarantee: o.MemGuarantee, CPULimit: o.CPULimit, CPUGuarantee: o.CPUGuarantee,
		Spawner: o.Spawner,
	}
}

// GroupOverride is what is other than usual for the servers of some users
// (JupyterHub's group_overrides).
type GroupOverride struct {
	// Name decides the order, as letters are ordered: the last one has the last
	// word.
	Name string `json:"name"`
	// Groups whose members it is for, at least one.
	Groups []string `json:"groups"`
	Override
}

func (g GroupOverride) name() string { return g.Name }

func (g GroupOverride) check() error {
	var problems []error
	if len(g.Groups) == 0 {
		problems = append(problems, errors.New("no groups: it would be for nobody; add a line such as \"groups staff\""))
	}
	if err := errors.Join(append(problems, g.override().Check())...); err != nil {
		return fmt.Errorf("group_override %s: %w", g.Name, err)
	}
	return nil
}

func (s *Servers) parseGroupOverride(own []string) func(d *caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var group GroupOverride
		known := group.words(own)
		known["groups"] = words.ToTexts(&group.Groups)
		if err := named(d, "group_override", &group.Name, namesOf(s.GroupOverrides, GroupOverride.name), known); err != nil {
			return err
		}
		if err := group.check(); err != nil {
			return d.WrapErr(err)
		}
		s.GroupOverrides = append(s.GroupOverrides, group)
		return nil
	}
}

// checkServers says what is wrong with the settings of servers.
func (a *App) checkServers() error {
	if a.Servers == nil {
		return nil
	}
	_, limits := a.Servers.limits()
	return errors.Join(limits, a.Servers.checkOverrides(overrideWords(a.spawnerName)))
}

// checkOverrides looks at what JSON may have wrong as well.
func (s *Servers) checkOverrides(own []string) error {
	var problems []error
	unknown := func(what string, override Override) {
		for word := range override.Spawner {
			if !slices.Contains(own, word) {
				problems = append(problems, fmt.Errorf("caddyhub: %s: the spawner has no %q that can differ between servers; it has: %s",
					what, word, strings.Join(own, ", ")))
			}
		}
	}
	seen := make(map[string]bool)
	for _, group := range s.GroupOverrides {
		if err := group.check(); err != nil {
			problems = append(problems, fmt.Errorf("caddyhub: %w", err))
		}
		if seen[group.Name] {
			problems = append(problems, fmt.Errorf("caddyhub: group_override %q is given twice", group.Name))
		}
		seen[group.Name] = true
		unknown("group_override "+group.Name, group.Override)
	}
	for _, option := range s.Options {
		unknown("option "+option.Name, option.Override)
		for _, choice := range option.Choices {
			unknown("option "+option.Name+": choice "+choice.Value, choice.Override)
		}
	}
	if _, err := s.form(""); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (s *Servers) groupOverrides() []server.GroupOverride {
	var list []server.GroupOverride
	for _, group := range s.GroupOverrides {
		list = append(list, server.GroupOverride{Name: group.Name, Groups: group.Groups, Override: group.override()})
	}
	return list
}

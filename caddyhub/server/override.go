package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/identity"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
)

// GroupOverride changes how the servers of some users are started (JupyterHub's
// group_overrides).
type GroupOverride struct {
	// Name decides, in the order of letters, which of several comes last and so
	// has the last word.
	Name string
	// Groups whose members it is for.
	Groups []string
	// Override is what changes. Variables are added to those that are set already.
	Override spawner.Override
}

// checkOverrides refuses settings with an override that could not be carried out.
func (s Settings) checkOverrides() error {
	var problems []error
	for _, group := range s.GroupOverrides {
		if err := s.checkOverride(group.Override); err != nil {
			problems = append(problems, fmt.Errorf("server: group override %s: %w", group.Name, err))
		}
	}
	for _, override := range s.UserOptions.Overrides() {
		if err := s.checkOverride(override); err != nil {
			problems = append(problems, fmt.Errorf("server: user options: %w", err))
		}
	}
	return errors.Join(problems...)
}

func (s Settings) checkOverride(override spawner.Override) error {
	problems := []error{override.Check()}
	overrider, can := s.Spawner.(spawner.Overrider)
	for _, word := range slices.Sorted(maps.Keys(override.Spawner)) {
		if !can {
			return fmt.Errorf("%w: %s: this spawner has no settings that can differ between servers", spawner.ErrInvalid, word)
		}
		problems = append(problems, overrider.CheckOverride(word, override.Spawner[word]))
	}
	return errors.Join(problems...)
}

// personal are the settings for the server of one user who has chosen these
// options: first what the groups change, then what the choices do (JupyterHub
// "7.2", step 7). An error is one of useroptions, or spawner.ErrInvalid.
func (s Settings) personal(user identity.User, options json.RawMessage) (Settings, error) {
	chosen, err := s.UserOptions.Resolve(options, user.Groups)
	if err != nil {
		return s, err
	}
	overrides := slices.Clone(s.GroupOverrides)
	slices.SortStableFunc(overrides, func(a, b GroupOverride) int { return strings.Compare(a.Name, b.Name) })
	s.Launch.Environment = maps.Clone(s.Launch.Environment)
	for _, group := range overrides {
		member := func(name string) bool { return slices.Contains(user.Groups, name) }
		if slices.ContainsFunc(group.Groups, member) {
			err = errors.Join(err, s.apply(group.Override))
		}
	}
	for _, override := range chosen {
		err = errors.Join(err, s.apply(override))
	}
	return s, err
}

// apply changes settings whose environment is their own.
func (s *Settings) apply(o spawner.Override) error {
	for name, text := range o.Environment {
		if text == nil {
			delete(s.Launch.Environment, name)
			continue
		}
		if s.Launch.Environment == nil {
			s.Launch.Environment = make(map[string]string)
		}
		s.Launch.Environment[name] = *text
	}
	if o.DefaultURL != "" {
		s.Launch.DefaultURL = o.DefaultURL
	}
	if o.NotebookDir != "" {
		s.Launch.NotebookDir = o.NotebookDir
	}
	if o.StartTimeout > 0 {
		s.Timeouts.Start = o.StartTimeout
	}
	if o.HTTPTimeout > 0 {
		s.Timeouts.HTTP = o.HTTPTimeout
	}
	if len(o.Spawner) > 0 {
		own := maps.Clone(s.Launch.Spawner)
		if own == nil {
			own = make(map[string][]string)
		}
		maps.Copy(own, o.Spawner)
		s.Launch.Spawner = own
	}
	var err error
	s.Launch.Resources, err = o.Limits(s.Launch.Resources)
	return err
}

// badOptions is the refusal of a start because of the user's options.
func badOptions(err error) error {
	var told *useroptions.Error
	if errors.As(err, &told) {
		return refuse(ErrOptions, http.StatusBadRequest, "Invalid user options: %s", told)
	}
	return refuse(ErrOptions, http.StatusBadRequest, "Invalid user options")
}

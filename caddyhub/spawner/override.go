package spawner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Value is what stands, in the texts of an Override, for the value that a user
// has chosen.
const Value = "{value}"

// Override changes how some servers are started: those of a group's members
// (JupyterHub's group_overrides), or those for which a user has chosen something
// (apply_user_options). What is empty changes nothing.
type Override struct {
	// Environment sets variables, over those that are set for every server; nil
	// takes one of those back.
	Environment map[string]*string
	// DefaultURL and NotebookDir are as in Params.
	DefaultURL  string
	NotebookDir string
	// StartTimeout and HTTPTimeout are how long the spawner may take, and the
	// server to answer.
	StartTimeout time.Duration
	HTTPTimeout  time.Duration
	// MemLimit and MemGuarantee are read by ParseSize, CPULimit and CPUGuarantee
	// by ParseCores.
	MemLimit, MemGuarantee string
	CPULimit, CPUGuarantee string
	// Spawner are settings of the spawner's own, by their word in the
	// configuration. The spawner must be an Overrider.
	Spawner map[string][]string
}

// Overrider is a Spawner some of whose own settings can be changed for one
// server, by Request.Overrides.
type Overrider interface {
	// CheckOverride says, as ErrInvalid, why a setting cannot be changed to these
	// values. Start is only given what it has agreed to.
	CheckOverride(word string, values []string) error
}

// With returns the override with a chosen value in the place of Value.
func (o Override) With(value string) Override {
	put := strings.NewReplacer(Value, value)
	o.DefaultURL, o.NotebookDir = put.Replace(o.DefaultURL), put.Replace(o.NotebookDir)
	o.MemLimit, o.MemGuarantee = put.Replace(o.MemLimit), put.Replace(o.MemGuarantee)
	o.CPULimit, o.CPUGuarantee = put.Replace(o.CPULimit), put.Replace(o.CPUGuarantee)
	o.Environment, o.Spawner = maps.Clone(o.Environment), maps.Clone(o.Spawner)
	for name, text := range o.Environment {
		if text != nil {
			o.Environment[name] = new(put.Replace(*text))
		}
	}
	for word, values := range o.Spawner {
		values = slices.Clone(values)
		for i := range values {
			values[i] = put.Replace(values[i])
		}
		o.Spawner[word] = values
	}
	return o
}

// Uses returns the words of the settings that Value stands in, in order.
func (o Override) Uses() []string {
	var words []string
	for word, texts := range o.texts() {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, Value) }) {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

func (o Override) texts() map[string][]string {
	texts := map[string][]string{
		"default_url": {o.DefaultURL}, "notebook_dir": {o.NotebookDir},
		"mem_limit": {o.MemLimit}, "mem_guarantee": {o.MemGuarantee},
		"cpu_limit": {o.CPULimit}, "cpu_guarantee": {o.CPUGuarantee},
	}
	for _, text := range o.Environment {
		if text != nil {
			texts["environment"] = append(texts["environment"], *text)
		}
	}
	maps.Copy(texts, o.Spawner)
	return texts
}

// Check says, as ErrInvalid, what is wrong with an override. The spawner's own
// settings the spawner checks.
func (o Override) Check() error {
	set := make(map[string]string)
	for name, text := range o.Environment {
		set[name] = ""
		if text != nil {
			set[name] = *text
		}
	}
	problems := []error{ValidateEnvironment(set)}
	for _, source := range []string{o.DefaultURL, o.NotebookDir} {
		template, err := ParseTemplate(source)
		if err == nil {
			_, err = template.Path(Names{User: "user", Prefix: "/user/user/"})
		}
		problems = append(problems, err)
	}
	if _, err := o.Limits(Limits{}); err != nil {
		problems = append(problems, err)
	}
	if o.StartTimeout < 0 || o.HTTPTimeout < 0 {
		problems = append(problems, fmt.Errorf("%w: a timeout is negative", ErrInvalid))
	}
	return errors.Join(problems...)
}

// Limits returns the limits of a server after the override. What is no size or
// no number is ErrInvalid.
func (o Override) Limits(limits Limits) (Limits, error) {
	var problems []error
	size := func(word, text string, field *int64) {
		if text == "" {
			return
		}
		number, err := ParseSize(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", word, err))
		}
		*field = number
	}
	cores := func(word, text string, field *float64) {
		if text == "" {
			return
		}
		number, err := ParseCores(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", word, err))
		}
		*field = number
	}
	size("mem_limit", o.MemLimit, &limits.MemLimit)
	size("mem_guarantee", o.MemGuarantee, &limits.MemGuarantee)
	cores("cpu_limit", o.CPULimit, &limits.CPULimit)
	cores("cpu_guarantee", o.CPUGuarantee, &limits.CPUGuarantee)
	return limits, errors.Join(problems...)
}

// Package useroptions is what users are asked before their server starts, and
// what their answers do (JupyterHub's options_form, options_from_form and
// apply_user_options).
//
// There are two ways to ask, and both may be used at once. A declared Option has
// a name, a control and rules, and says how a chosen value changes the start.
// HTML of the operator's own is shown as it is; what it asks reaches the spawner
// unread.
//
// What it guarantees:
//
//   - Whatever way options come, by form, query or JSON, a value of a declared
//     option obeys its rules before anything is started, and again when it is
//     used later: the rules may have become stricter.
//   - What a choice does is written by the operator. Free text of a user reaches
//     environment variables and nothing else.
//   - A choice that is for some groups is neither shown to others nor accepted
//     from them.
//   - Everything here is pure: nothing is stored, started or rendered.
package useroptions

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ErrInvalid says that a value is not acceptable; it comes wrapped in an *Error.
var ErrInvalid = errors.New("useroptions: invalid value")

// Error is what is wrong with a user's options, in words for the user.
type Error struct {
	// Option is the label of the option; empty if no single one is meant.
	Option string
	// Message says what is wrong. Parts of a user's input in it are quoted and
	// short.
	Message string
}

// Error returns the option and the message.
func (e *Error) Error() string {
	if e.Option == "" {
		return e.Message
	}
	return e.Option + ": " + e.Message
}

// Unwrap returns ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

// Config is what a Form is made of.
type Config struct {
	// Options are asked in this order; their overrides apply in it too.
	Options []Option
	// HTML is a piece of a form, trusted, shown below the options.
	HTML string
	// Simple unpacks fields of HTML that have one value, and makes true of "on"
	// (options_from_form "simple"). Default: every field is a list of texts.
	Simple bool
}

// Form is what users are asked. A nil one asks nothing.
type Form struct {
	config Config
	names  map[string]*Option
}

// New checks a configuration, and completes it by the defaults. Errors name the
// option.
func New(config Config) (*Form, error) {
	config.Options = slices.Clone(config.Options)
	form := &Form{config: config, names: make(map[string]*Option)}
	var problems []error
	for i := range config.Options {
		option := &config.Options[i]
		if form.names[option.Name] != nil {
			problems = append(problems, fmt.Errorf("option %s is given twice", option.Name))
		}
		form.names[option.Name] = option
		if err := option.complete(); err != nil {
			problems = append(problems, fmt.Errorf("option %s: %w", option.Name, err))
		}
	}
	return form, errors.Join(problems...)
}

// Asks says whether there is anything to ask before a server starts.
func (f *Form) Asks() bool {
	return f != nil && (len(f.config.Options) > 0 || f.config.HTML != "")
}

// HTML is the operator's piece of the form.
func (f *Form) HTML() string {
	if f == nil {
		return ""
	}
	return f.config.HTML
}

// optionName leaves room for what forms and addresses mean otherwise: _xsrf.
var optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

// complete sets defaults and says what is wrong.
func (o *Option) complete() error {
	if !optionName.MatchString(o.Name) || o.Name == "next" {
		return errors.New("a name has 1 to 64 letters, digits and _.-, begins with a letter and is not \"next\"")
	}
	o.Label = cmp.Or(o.Label, o.Name)
	if o.Kind == "" {
		o.Kind = Text
		if len(o.Choices) > 0 {
			o.Kind = Select
		}
	}
	if !slices.Contains(Kinds(), o.Kind) {
		return fmt.Errorf("type %q is none of %s", o.Kind, kindNames())
	}
	if err := errors.Join(o.completeChoices(), o.completeText(), o.completeNumber()); err != nil {
		return err
	}
	if err := o.checkUses(); err != nil {
		return err
	}
	return o.checkDefault()
}

func kindNames() string {
	names := make([]string, 0, len(Kinds()))
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

func (o *Option) completeChoices() error {
	if !o.chooses() {
		if len(o.Choices) > 0 {
			return fmt.Errorf("a %s has no choices; the types with choices are select and radio", o.Kind)
		}
		return nil
	}
	if len(o.Choices) == 0 {
		return fmt.Errorf("a %s needs choices", o.Kind)
	}
	o.Choices = slices.Clone(o.Choices)
	seen := make(map[string]bool)
	for i := range o.Choices {
		choice := &o.Choices[i]
		switch {
		case choice.Value == "":
			return errors.New("a choice has no value")
		case seen[choice.Value]:
			return fmt.Errorf("choice %s is given twice", choice.Value)
		}
		seen[choice.Value] = true
		choice.Label = cmp.Or(choice.Label, choice.Value)
	}
	if o.Default != "" && !seen[o.Default] {
		return fmt.Errorf("the default %q is none of the choices", o.Default)
	}
	return nil
}

func (o *Option) completeText() error {
	if o.Kind != Text && o.Kind != TextArea {
		if o.Pattern != "" || o.MaxLength != 0 || o.Placeholder != "" {
			return fmt.Errorf("pattern, max_length and placeholder are for text and textarea, not for %s", o.Kind)
		}
		return nil
	}
	if o.MaxLength < 0 || o.MaxLength > mostText {
		return fmt.Errorf("max_length is 1 to %d", mostText)
	}
	if o.MaxLength == 0 {
		o.MaxLength = defaultText
		if o.Kind == TextArea {
			o.MaxLength = mostText
		}
	}
	if o.Pattern == "" {
		return nil
	}
	var err error
	if o.pattern, err = regexp.Compile(`^(?:` + o.Pattern + `)$`); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	return nil
}

func (o *Option) completeNumber() error {
	if o.Kind != Number {
		if o.Min != "" || o.Max != "" || o.Step != "" {
			return fmt.Errorf("min, max and step are for number, not for %s", o.Kind)
		}
		return nil
	}
	var problems []error
	read := func(word, text string, into **float64) {
		if text == "" {
			return
		}
		number, err := parseNumber(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", word, err))
			return
		}
		*into = &number
	}
	read("min", o.Min, &o.min)
	read("max", o.Max, &o.max)
	o.Step = cmp.Or(o.Step, "1")
	if o.Step != "any" {
		read("step", o.Step, &o.step)
	}
	switch {
	case o.step != nil && *o.step <= 0:
		problems = append(problems, errors.New("step is above 0, or \"any\""))
	case o.min != nil && o.max != nil && *o.min > *o.max:
		problems = append(problems, errors.New("min is above max"))
	}
	return errors.Join(problems...)
}

// checkUses holds {value} to where it can do no harm.
func (o *Option) checkUses() error {
	for _, word := range o.Override.Uses() {
		switch {
		case o.Kind == Checkbox:
			return fmt.Errorf("%s: a checkbox has no {value}; what stands here holds when it is checked", word)
		case (o.Kind == Text || o.Kind == TextArea) && word != "environment":
			return fmt.Errorf("%s: {value} of a %s can only be the value of a variable; offer choices or a number instead", word, o.Kind)
		case o.Kind == Number && o.max == nil && word != "environment":
			return fmt.Errorf("%s: a number that decides this needs a max", word)
		}
	}
	for _, example := range o.examples() {
		for _, override := range o.effects(example) {
			if err := override.Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *Option) checkDefault() error {
	if o.Default == "" || o.chooses() {
		return nil
	}
	if _, err := o.accept(o.Default, nil); err != nil {
		return fmt.Errorf("default: %w", err)
	}
	return nil
}

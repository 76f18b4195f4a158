package useroptions

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Kind is the control by which an option is asked.
type Kind string

// The kinds of options.
const (
	// Select is a list that opens, and Radio one that is open: one of the choices.
	Select Kind = "select"
	Radio  Kind = "radio"
	// Text is one line and TextArea several.
	Text     Kind = "text"
	TextArea Kind = "textarea"
	// Number is a decimal number.
	Number Kind = "number"
	// Checkbox is yes or no.
	Checkbox Kind = "checkbox"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Select, Radio, Text, TextArea, Number, Checkbox} }

const (
	// defaultText and mostText bound texts, in characters: what is stored with a
	// server is read by everybody who lists servers.
	defaultText = 1000
	mostText    = 8000
)

// Option is one thing that users are asked.
type Option struct {
	// Name is the field of the form and the key in user_options.
	Name string
	// Label is what people read; default the name. Help is a sentence below.
	Label, Help string
	// Kind is the control. Default: Select if there are choices, else Text.
	Kind Kind
	// Choices are for Select and Radio.
	Choices []Choice
	// Default is the value that holds when nothing is said: for choices the first
	// that the user may have, for a checkbox "on", else empty.
	Default string
	// Required refuses an empty text or number, and a checkbox that is not checked.
	Required bool
	// Pattern is a regular expression (RE2) that all of a text must match.
	Pattern string
	// MaxLength of a text in characters; 0 means 1000, for a TextArea 8000, which
	// is the most.
	MaxLength int
	// Placeholder is shown in an empty text.
	Placeholder string
	// Min, Max and Step are those of a number: decimal, empty for no bound. Step
	// is counted from Min, "1" by default; "any" allows fractions.
	Min, Max, Step string
	// Override is what a value does that is not empty; for a checkbox, that it is
	// checked. In its texts spawner.Value stands for the value.
	Override spawner.Override

	pattern        *regexp.Regexp
	min, max, step *float64
}

// Choice is one of the values that an option may have.
type Choice struct {
	// Value is what is stored. Label is what people read; default the value. Help
	// is shown for Radio only.
	Value, Label, Help string
	// Groups may have it; empty means everybody.
	Groups []string
	// Override is what the choice does, after the Override of the option.
	Override spawner.Override
}

func (o *Option) chooses() bool { return o.Kind == Select || o.Kind == Radio }

// choicesOf are those that a member of the groups may have.
func (o *Option) choicesOf(groups []string) []Choice {
	var list []Choice
	for _, choice := range o.Choices {
		member := func(group string) bool { return slices.Contains(groups, group) }
		if len(choice.Groups) == 0 || slices.ContainsFunc(choice.Groups, member) {
			list = append(list, choice)
		}
	}
	return list
}

// defaultOf is the value that holds for a member of the groups who says nothing.
func (o *Option) defaultOf(groups []string) string {
	if !o.chooses() {
		return o.Default
	}
	list := o.choicesOf(groups)
	if slices.ContainsFunc(list, func(c Choice) bool { return c.Value == o.Default }) {
		return o.Default
	}
	if len(list) == 0 {
		return ""
	}
	return list[0].Value
}

// effects are what a value does, in order. Nothing comes of an empty one.
func (o *Option) effects(value string) []spawner.Override {
	if value == "" {
		return nil
	}
	list := []spawner.Override{o.Override.With(value)}
	for _, choice := range o.Choices {
		if choice.Value == value {
			list = append(list, choice.Override.With(value))
		}
	}
	return list
}

// examples are values that show whether what they do is well-formed: all
// choices, or the bounds of a number.
func (o *Option) examples() []string {
	var list []string
	for _, choice := range o.Choices {
		list = append(list, choice.Value)
	}
	switch {
	case o.chooses():
		return list
	case o.Kind == Number:
		for _, bound := range []*float64{o.min, o.max} {
			if bound != nil {
				list = append(list, formatNumber(*bound))
			}
		}
		if o.Default != "" {
			list = append(list, o.Default)
		}
		if len(list) == 0 {
			list = append(list, "1")
		}
		return list
	}
	return []string{"on"}
}

func formatNumber(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) }

// Overrides are what the options can do, each for one example of a value that
// does it: for whoever checks a configuration.
func (f *Form) Overrides() []spawner.Override {
	if f == nil {
		return nil
	}
	var list []spawner.Override
	for i := range f.config.Options {
		option := &f.config.Options[i]
		for _, example := range option.examples() {
			list = append(list, option.effects(example)...)
		}
	}
	return list
}

package useroptions

import (
	"encoding/json"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// Resolve returns what the options of a member of these groups do, in the order
// in which it applies. Options are a JSON object, nil for none. Declared options
// that are not in it have their defaults; what is in it and not declared is for
// the spawner. What breaks a rule is an *Error.
func (f *Form) Resolve(options json.RawMessage, groups []string) ([]spawner.Override, error) {
	if f == nil || len(f.config.Options) == 0 {
		return nil, nil
	}
	given, err := decode(options)
	if err != nil {
		return nil, err
	}
	var list []spawner.Override
	for i := range f.config.Options {
		option := &f.config.Options[i]
		value, err := option.valueIn(given, groups)
		if err != nil {
			return nil, &Error{Option: option.Label, Message: err.Error()}
		}
		list = append(list, option.effects(value)...)
	}
	return list, nil
}

// valueIn is the value of the option among those given, or its default.
func (o *Option) valueIn(given map[string]json.RawMessage, groups []string) (string, error) {
	if absent(given[o.Name]) {
		return o.demandDefault(groups)
	}
	text, err := textOf(given[o.Name])
	if err != nil {
		return "", err
	}
	return o.accept(text, groups)
}

// demandDefault is the default, which an option may lack that must be given. An
// option of which the user may have no choice at all is not asked.
func (o *Option) demandDefault(groups []string) (string, error) {
	value := o.defaultOf(groups)
	if o.chooses() {
		return value, nil
	}
	return o.accept(value, groups)
}

// Field is an option as it is shown to one user.
type Field struct {
	// Option is what is asked, complete with its defaults.
	Option
	// Choices are those that the user may have; they hide those of Option.
	Choices []Choice
	// Value is the present one; for a checkbox "on" or "".
	Value string
}

// Fields are what a member of these groups is asked. The values are those of the
// options, as far as the user may have them, else the defaults.
func (f *Form) Fields(options json.RawMessage, groups []string) []Field {
	if f == nil {
		return nil
	}
	given, err := decode(options)
	if err != nil {
		given = nil
	}
	var fields []Field
	for _, option := range f.config.Options {
		field := Field{Option: option, Choices: option.choicesOf(groups)}
		if option.chooses() && len(field.Choices) == 0 {
			continue
		}
		field.Value = option.shown(given, groups)
		fields = append(fields, field)
	}
	return fields
}

// shown is the value to fill a form with: text that was refused stands there to
// be corrected.
func (o *Option) shown(given map[string]json.RawMessage, groups []string) string {
	if absent(given[o.Name]) {
		return o.defaultOf(groups)
	}
	text, err := textOf(given[o.Name])
	if err != nil {
		return o.defaultOf(groups)
	}
	value, err := o.accept(text, groups)
	switch {
	case err == nil:
		return value
	case o.chooses() || o.Kind == Checkbox:
		return o.defaultOf(groups)
	}
	return text
}

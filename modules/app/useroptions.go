package app

import (
	"fmt"
	"regexp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// Option is one thing that users are asked before a server starts, and what the
// answer does. In the texts of what it does, {value} stands for the answer.
type Option struct {
	// Name is the field of the form and the key in user_options: letters, digits,
	// and "_.-".
	Name string `json:"name"`
	// Label is what people read. Default: the name.
	Label string `json:"label,omitempty"`
	// Help is a sentence below the field. Default: none.
	Help string `json:"help,omitempty"`
	// Type is select, radio, text, textarea, number or checkbox. Default: select
	// if there are choices, else text.
	Type useroptions.Kind `json:"type,omitempty"`
	// Choices are those of a select or radio. In a Caddyfile, "choices VALUE..."
	// has values alone and "choice VALUE LABEL { ... }" says more of one.
	Choices []Choice `json:"choices,omitempty"`
	// Default is the answer of who says nothing; "on" for a checkbox. Default: the
	// first choice that the user may have, else nothing.
	Default string `json:"default,omitempty"`
	// Required refuses an empty answer, or a checkbox that is not checked.
	// Default: false.
	Required bool `json:"required,omitempty"`
	// Pattern is a regular expression (RE2) that all of a text must match.
	// Default: any text.
	Pattern string `json:"pattern,omitempty"`
	// MaxLength of a text in characters. Default: 1000; for a textarea 8000, the
	// most.
	MaxLength int `json:"max_length,omitempty"`
	// Placeholder is shown in an empty text. Default: nothing.
	Placeholder string `json:"placeholder,omitempty"`
	// Min is the least number. Default: no bound.
	Min string `json:"min,omitempty"`
	// Max is the greatest number. Default: no bound; a number that decides more
	// than a variable needs one.
	Max string `json:"max,omitempty"`
	// Step is between two numbers, or "any". Default: 1, whole numbers.
	Step string `json:"step,omitempty"`
	// Override is what an answer does. {value} of a text can only be the value of
	// a variable.
	Override
}

func (o Option) name() string { return o.Name }

// Choice is one of the values of an option.
type Choice struct {
	// Value is what is stored.
	Value string `json:"value"`
	// Label is what people read. Default: the value.
	Label string `json:"label,omitempty"`
	// Help is a sentence beside a radio button. Default: none.
	Help string `json:"help,omitempty"`
	// Groups whose members may have it. Default: everybody.
	Groups []string `json:"groups,omitempty"`
	// Override is what the choice does, after what the option does.
	Override
}

func (o Option) option() useroptions.Option {
	option := useroptions.Option{
		Name: o.Name, Label: o.Label, Help: o.Help, Kind: o.Type, Default: o.Default, Required: o.Required,
		Pattern: o.Pattern, MaxLength: o.MaxLength, Placeholder: o.Placeholder, Min: o.Min, Max: o.Max, Step: o.Step,
		Override: o.override(),
	}
	for _, choice := range o.Choices {
		option.Choices = append(option.Choices, useroptions.Choice{
			Value: choice.Value, Label: choice.Label, Help: choice.Help, Groups: choice.Groups, Override: choice.override(),
		})
	}
	return option
}

func (s *Servers) parseOption(own []string) func(d *caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		var option Option
		kind := ""
		known := option.words(own)
		known["label"] = words.ToText(&option.Label)
		known["help"] = words.ToText(&option.Help)
		known["type"] = words.ToText(&kind)
		known["choices"] = words.Many(option.parseChoices)
		known["choice"] = words.Many(option.parseChoice(own))
		known["default"] = words.ToText(&option.Default)
		known["required"] = words.ToTrue(&option.Required)
		known["pattern"] = words.ToText(&option.Pattern)
		known["max_length"] = words.ToNumber(&option.MaxLength)
		known["placeholder"] = words.ToText(&option.Placeholder)
		known["min"] = words.ToText(&option.Min)
		known["max"] = words.ToText(&option.Max)
		known["step"] = words.ToText(&option.Step)
		if err := named(d, "option", &option.Name, namesOf(s.Options, Option.name), known); err != nil {
			return err
		}
		option.Type = useroptions.Kind(kind)
		if _, err := useroptions.New(useroptions.Config{Options: []useroptions.Option{option.option()}}); err != nil {
			return d.WrapErr(err)
		}
		s.Options = append(s.Options, option)
		return nil
	}
}

func (o *Option) parseChoices(d *caddyfile.Dispenser) error {
	values, err := words.Texts(d)
	for _, value := range values {
		o.Choices = append(o.Choices, Choice{Value: value})
	}
	return err
}

func (o *Option) parseChoice(own []string) func(d *caddyfile.Dispenser) error {
	return func(d *caddyfile.Dispenser) error {
		args := d.RemainingArgs()
		if len(args) < 1 || len(args) > 2 {
			return d.Err("choice takes a value, perhaps a label, and perhaps a block; \"choices\" takes several values")
		}
		choice := Choice{Value: args[0]}
		if len(args) == 2 {
			choice.Label = args[1]
		}
		known := choice.words(own)
		known["help"] = words.ToText(&choice.Help)
		known["groups"] = words.ToTexts(&choice.Groups)
		err := words.Block(d, "choice "+choice.Value, known)
		o.Choices = append(o.Choices, choice)
		return err
	}
}

func (s *Servers) parseOptionsFromForm(d *caddyfile.Dispenser) error {
	text, err := words.Text(d)
	if err != nil {
		return err
	}
	s.OptionsFromForm = text
	if _, err := s.form(""); err != nil {
		return d.Errf("options_from_form takes \"passthrough\" or \"simple\", not %q", text)
	}
	return nil
}

// form is what users are asked, with this HTML.
func (s *Servers) form(html string) (*useroptions.Form, error) {
	config := useroptions.Config{HTML: html}
	switch s.OptionsFromForm {
	case "", "passthrough":
	case "simple":
		config.Simple = true
	default:
		return nil, fmt.Errorf("caddyhub: options_from_form %q is neither \"passthrough\" nor \"simple\"", s.OptionsFromForm)
	}
	for _, option := range s.Options {
		config.Options = append(config.Options, option.option())
	}
	form, err := useroptions.New(config)
	if err != nil {
		return nil, fmt.Errorf("caddyhub: %w", err)
	}
	return form, nil
}

// source is text that stands elsewhere: {file./etc/caddyhub/form.html}.
var source = regexp.MustCompile(`^\{(file|env)\.[^{}]+\}$`)

// optionsHTML is the operator's piece of the form. HTML has braces of its own, so
// only a text that is one placeholder is looked up.
func (s *Servers) optionsHTML() (string, error) {
	if !source.MatchString(s.OptionsForm) {
		return s.OptionsForm, nil
	}
	html := caddy.NewReplacer().ReplaceAll(s.OptionsForm, "")
	if html == "" {
		return "", fmt.Errorf("caddyhub: options_form: %s is empty or cannot be read", s.OptionsForm)
	}
	return html, nil
}

// limits are those of every server.
func (s *Servers) limits() (spawner.Limits, error) {
	limits, err := spawner.Override{
		MemLimit: s.MemLimit, MemGuarantee: s.MemGuarantee, CPULimit: s.CPULimit, CPUGuarantee: s.CPUGuarantee,
	}.Limits(spawner.Limits{})
	if err != nil {
		return limits, fmt.Errorf("caddyhub: %w", err)
	}
	return limits, nil
}

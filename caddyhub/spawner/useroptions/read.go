package useroptions

import (
	"encoding/json"
	"net/url"
	"unicode/utf8"
)

// File is a file that was sent with a form. In JSON the body is base64.
type File struct {
	Filename    string `json:"filename"`
	ContentType string `json:"content_type"`
	Body        []byte `json:"body"`
}

// FromForm makes user options of a form that was sent (options_from_form). A
// declared option becomes a text, a number or a boolean; a checkbox that is not
// there was not checked. Other fields are lists of texts, or, with
// Config.Simple, the text alone. Files are the field NAME_file. Fields that are
// no UTF-8 are an *Error; the rules are for Resolve.
func (f *Form) FromForm(fields url.Values, files map[string][]File) (json.RawMessage, error) {
	options, err := f.read(fields)
	if err != nil {
		return nil, err
	}
	if f != nil {
		for _, option := range f.config.Options {
			if _, sent := fields[option.Name]; !sent && option.Kind == Checkbox {
				options[option.Name] = false
			}
		}
	}
	for name, list := range files {
		if !utf8.ValidString(name) {
			return nil, notText
		}
		if options[name+"_file"] == nil {
			options[name+"_file"] = list
		}
	}
	return json.Marshal(options)
}

// FromQuery makes user options of the query of an address (options_from_query):
// as FromForm, but what is not there is left to its default.
func (f *Form) FromQuery(fields url.Values) (json.RawMessage, error) {
	options, err := f.read(fields)
	if err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

var notText = &Error{Message: "The options are not text in UTF-8."}

func (f *Form) read(fields url.Values) (map[string]any, error) {
	options := make(map[string]any, len(fields))
	for name, values := range fields {
		for _, text := range append([]string{name}, values...) {
			if !utf8.ValidString(text) {
				return nil, notText
			}
		}
		options[name] = f.typed(name, values)
	}
	return options, nil
}

// typed is the value of a field as it is stored.
func (f *Form) typed(name string, values []string) any {
	switch {
	case f == nil:
		return values
	case f.names[name] != nil && len(values) == 1:
		return f.names[name].typed(values[0])
	case f.config.Simple && len(values) == 1 && values[0] == "on":
		return true
	case f.config.Simple && len(values) == 1:
		return values[0]
	}
	return values
}

// typed leaves what breaks a rule as it is, for Resolve to refuse.
func (o *Option) typed(text string) any {
	switch o.Kind {
	case Checkbox:
		if text == "on" || text == "true" {
			return true
		}
		if text == "" || text == "off" || text == "false" {
			return false
		}
	case Number:
		if number, err := parseNumber(text); err == nil {
			return json.Number(formatNumber(number))
		}
	}
	return text
}

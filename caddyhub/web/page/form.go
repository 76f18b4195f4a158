package page

import "fmt"

// Field is one field of a form.
type Field struct {
	// Name under which the value is posted. Label is what people read.
	Name, Label string

	// ID of the element. Default: field-N, unique on the page.
	ID string

	// Type is text, password, email, number, url, checkbox, select, radio,
	// textarea, file or hidden. Default: text. Unknown words become text.
	Type string

	// Value is the present value; for checkbox what is posted when checked
	// (default: on); for select and radio the chosen option. A password is
	// never sent back to the page.
	Value string

	// Checked is for checkbox only.
	Checked bool

	// Options are the choices of select and radio.
	Options []Choice

	// Help is a sentence below the field.
	Help string

	// Placeholder and Autocomplete are the attributes of the same name.
	Placeholder, Autocomplete string

	// Pattern is a regular expression that all of a text must match; browsers
	// that do not understand it leave it to the hub. MaxLength of a text; 0 means
	// that the browser has no limit.
	Pattern   string
	MaxLength int

	// Min, Max and Step are the attributes of a number.
	Min, Max, Step string

	// Required makes the browser insist.
	Required bool

	// Autofocus puts the cursor here. At most one field of a page should.
	Autofocus bool
}

// Choice is one option of a select or radio field.
type Choice struct {
	Value, Label string

	// Help is a sentence beside the choice, shown for radio only.
	Help string
}

// Kind is the type of the field with the default applied.
func (f Field) Kind() string {
	switch f.Type {
	case "password", "email", "number", "url", "checkbox", "select", "radio", "textarea", "file", "hidden":
		return f.Type
	default:
		return "text"
	}
}

// withIDs gives an id to each field that has none and keeps ids unique.
func withIDs(fields []Field, prefix string, taken map[string]bool) []Field {
	out := make([]Field, len(fields))
	for i, field := range fields {
		if field.ID == "" {
			field.ID = fmt.Sprintf("%s-%d", prefix, i+1)
		}
		for n, id := 2, field.ID; taken[field.ID]; n++ {
			field.ID = fmt.Sprintf("%s-%d", id, n)
		}
		taken[field.ID] = true
		out[i] = field
	}
	return out
}

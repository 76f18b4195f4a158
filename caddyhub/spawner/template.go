package spawner

import (
	"fmt"
	"strings"
)

// Template is text with the fields {username}, {servername} and {base_url},
// which stand for the user's name, the server's name ("" for the default
// server) and the server's path; {{ and }} stand for a brace. The zero value
// expands to nothing.
type Template struct {
	source string
	parts  []templatePart
}

// templatePart is literal text or, with field set, the name of a field.
type templatePart struct {
	text  string
	field bool
}

// Names fill a Template's fields.
type Names struct {
	User   string
	Server string
	// Prefix is Request.Prefix, for {base_url}.
	Prefix string
}

// Names returns what fills templates about this request.
func (r Request) Names() Names {
	return Names{User: r.User, Server: r.Server, Prefix: r.Prefix}
}

// ParseTemplate reads a template. ErrInvalid says which field is unknown or
// which brace stands alone.
func ParseTemplate(source string) (Template, error) {
	t := Template{source: source}
	var text strings.Builder
	for rest := source; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			text.WriteByte(rest[0])
			rest = rest[2:]
		case rest[0] == '}':
			return Template{}, fmt.Errorf("%w: template %q: a } without {; write }} for a brace", ErrInvalid, source)
		case rest[0] == '{':
			name, after, found := strings.Cut(rest[1:], "}")
			if !found || !knownField(name) {
				return Template{}, fmt.Errorf("%w: template %q: {%s} is not {username}, {servername} or {base_url}; write {{ for a brace",
					ErrInvalid, source, name)
			}
			t.parts = append(t.parts, templatePart{text: text.String()}, templatePart{text: name, field: true})
			text.Reset()
			rest = after
		default:
			text.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	t.parts = append(t.parts, templatePart{text: text.String()})
	return t, nil
}

func knownField(name string) bool {
	return name == "username" || name == "servername" || name == "base_url"
}

// String returns the template as it was written.
func (t Template) String() string { return t.source }

// Plain expands with the names as they are. It is for values that whoever
// receives them checks, such as the name of a system account, never for paths,
// commands or URLs.
func (t Template) Plain(names Names) string {
	return t.expand(names, func(name string) string { return name }, names.Prefix)
}

// Escaped expands with names as SafeName makes them, so that they are one word,
// one path element and no option to a program, also inside a shell's command.
func (t Template) Escaped(names Names) string {
	return t.expand(names, SafeName, escapeBytes(names.Prefix, safeInPrefix))
}

// Path expands like Escaped and refuses, with ErrInvalid, a result that has an
// element "." or ".." or a control character.
func (t Template) Path(names Names) (string, error) {
	expanded := t.Escaped(names)
	for element := range strings.SplitSeq(expanded, "/") {
		if element == "." || element == ".." {
			return "", fmt.Errorf("%w: template %q gives a path with %q in it", ErrInvalid, t.source, element)
		}
	}
	if strings.ContainsFunc(expanded, isControl) {
		return "", fmt.Errorf("%w: template %q gives a path with a control character", ErrInvalid, t.source)
	}
	return expanded, nil
}

func (t Template) expand(names Names, escape func(string) string, prefix string) string {
	var out strings.Builder
	for _, part := range t.parts {
		switch {
		case !part.field:
			out.WriteString(part.text)
		case part.text == "username":
			out.WriteString(escape(names.User))
		case part.text == "servername":
			out.WriteString(escape(names.Server))
		default:
			out.WriteString(prefix)
		}
	}
	return out.String()
}

// SafeName writes a name as one harmless path element: ASCII letters and digits
// and -._@+ stay, every other byte becomes %XX, and so does a leading - and
// every dot of a name that is all dots. Different names stay different, and
// "" stays empty.
func SafeName(name string) string {
	switch {
	case strings.Trim(name, ".") == "":
		return escapeBytes(name, func(byte) bool { return false })
	case name[0] == '-':
		return "%2D" + escapeBytes(name[1:], safeInName)
	default:
		return escapeBytes(name, safeInName)
	}
}

func safeInName(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._@+", c) >= 0
}

// safeInPrefix keeps what the hub itself writes in a path.
func safeInPrefix(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~@+/%", c) >= 0
}

// safeInURL keeps what JupyterHub keeps when it puts a name into a URL.
func safeInURL(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~@", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// escapeBytes writes every byte that is not safe as %XX.
func escapeBytes(text string, safe func(byte) bool) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		if safe(c) {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

package page

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
)

//go:embed templates static
var builtin embed.FS

// shared are the templates that every page is parsed with; custom is the
// operator's, last, and may be absent.
var shared = []string{"layout", "parts"}

const custom = "custom"

// statusName is a template for one status, such as 404.html.
var statusName = regexp.MustCompile(`^[45][0-9][0-9]$`)

// parseTemplates makes one set of templates per page, so that each page defines
// the same block names.
func (p *Pages) parseTemplates() (map[string]*template.Template, error) {
	names, err := p.pageNames()
	if err != nil {
		return nil, err
	}
	out := make(map[string]*template.Template, len(names))
	for _, name := range names {
		set := template.New("layout").Funcs(p.functions()).Option("missingkey=zero")
		for _, file := range append(append([]string{}, shared...), name, custom) {
			source, err := p.readTemplate(file)
			if errors.Is(err, fs.ErrNotExist) && file == custom {
				continue
			}
			if err != nil {
				return nil, err
			}
			if _, err := set.New(file + ".html").Parse(source); err != nil {
				return nil, fmt.Errorf("page: %w", err)
			}
		}
		out[name] = set
	}
	return out, nil
}

// pageNames lists our pages, and the operator's pages for single statuses.
func (p *Pages) pageNames() ([]string, error) {
	files, err := fs.Glob(builtin, "templates/*.html")
	if err != nil {
		return nil, err
	}
	if p.options.Override != nil {
		own, err := fs.Glob(p.options.Override, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("page: list templates: %w", err)
		}
		for _, file := range own {
			if statusName.MatchString(templateName(file)) {
				files = append(files, file)
			}
		}
	}
	var names []string
	for _, file := range files {
		if name := templateName(file); name != "layout" && name != "parts" {
			names = append(names, name)
		}
	}
	return names, nil
}

func templateName(file string) string { return strings.TrimSuffix(path.Base(file), ".html") }

// readTemplate takes the operator's file, else ours.
func (p *Pages) readTemplate(name string) (string, error) {
	file := "templates/" + name + ".html"
	if p.options.Override != nil {
		data, err := fs.ReadFile(p.options.Override, file)
		if err == nil {
			return string(data), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("page: read template: %w", err)
		}
	}
	data, err := fs.ReadFile(builtin, file)
	if err != nil {
		return "", fmt.Errorf("page: read template: %w", err)
	}
	return string(data), nil
}

// functions are what templates can call besides Go's own:
//
//	static "hub.css"  the address of a static file
//	hub "home"        an address under the hub
//	stamp TIME        a time for a machine (RFC 3339)
//	clock TIME        a time for people, in UTC
//	plural N ONE MANY  "1 server", "3 servers"
//	add A B           the sum
func (p *Pages) functions() template.FuncMap {
	return template.FuncMap{
		"static": p.StaticURL,
		"hub":    func(name string) string { return p.options.HubURL + name },
		"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"clock":  func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
		"add":    func(a, b int) int { return a + b },
		"plural": plural,
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

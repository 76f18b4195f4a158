package page

import "html/template"

func (p *Pages) parseTemplates() (map[string]*template.Template, error) { return nil, nil }

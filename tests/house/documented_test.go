package house_test

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestPackageComments wants every package to say in its package comment, once,
// what it guarantees. Packages of tests alone may go without.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	comments := map[string][]string{} // by folder, the files that have one
	for _, f := range source(t).files {
		if !f.isGo() || f.isTest() {
			continue
		}
		files := comments[f.folder()]
		if f.syntax.Doc != nil {
			files = append(files, f.path)
		}
		comments[f.folder()] = files
	}
	for _, folder := range slices.Sorted(maps.Keys(comments)) {
		switch files := comments[folder]; len(files) {
		case 0:
			t.Errorf("%s: no package comment: say what the package guarantees, above the package clause of one file", folder)
		case 1:
		default:
			t.Errorf("%s: %d files have a package comment, and godoc runs them together: keep one of %s", folder, len(files), strings.Join(files, ", "))
		}
	}
}

// wellKnown are methods whose meaning their interface in the standard library
// has fixed.
var wellKnown = []string{"Error", "Is", "Len", "Less", "Read", "ServeHTTP", "String", "Swap", "Unwrap", "Write"}

// TestExportedNames wants a comment on everything that another package can use:
// functions, methods of exported types, types, constants, variables and the
// methods of interfaces. A comment on a group of constants or variables counts
// for each of them.
func TestExportedNames(t *testing.T) {
	t.Parallel()
	tree := source(t)
	missing := func(name *ast.Ident, kind string) {
		t.Errorf("%s: %s %s has no comment", tree.at(name.Pos()), kind, name.Name)
	}
	for _, f := range tree.files {
		if !f.isGo() || f.isTest() || f.syntax.Name.Name == "main" {
			continue
		}
		for _, declaration := range f.syntax.Decls {
			switch d := declaration.(type) {
			case *ast.FuncDecl:
				inherited := d.Recv != nil && slices.Contains(wellKnown, d.Name.Name)
				if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) && !inherited {
					missing(d.Name, "function")
				}
			case *ast.GenDecl:
				checkGroup(d, missing)
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	for {
		switch x := receiver.(type) {
		case *ast.StarExpr:
			receiver = x.X
		case *ast.IndexExpr:
			receiver = x.X
		case *ast.IndexListExpr:
			receiver = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func checkGroup(d *ast.GenDecl, missing func(*ast.Ident, string)) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if !s.Name.IsExported() {
				continue
			}
			if s.Doc == nil && (d.Doc == nil || len(d.Specs) > 1) {
				missing(s.Name, "type")
			}
			// The one method of an interface is what its comment is about.
			if i, ok := s.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > 1 {
				checkInterface(s.Name.Name, i, missing)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() && s.Doc == nil && s.Comment == nil && d.Doc == nil {
					missing(name, d.Tok.String())
				}
			}
		}
	}
}

func checkInterface(owner string, i *ast.InterfaceType, missing func(*ast.Ident, string)) {
	for _, method := range i.Methods.List {
		for _, name := range method.Names {
			if name.IsExported() && method.Doc == nil && method.Comment == nil && !slices.Contains(wellKnown, name.Name) {
				missing(name, "method of "+owner)
			}
		}
	}
}

// TestConfigurationFields wants a comment on every field of modules/ that JSON
// configuration can set: these comments are the reference manual, as Caddy's
// site shows it. They say the default, the unit and what zero means.
func TestConfigurationFields(t *testing.T) {
	t.Parallel()
	tree := source(t)
	for _, f := range tree.files {
		if !f.isGo() || f.isTest() || !f.under("modules") {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			spec, ok := node.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				checkFields(t, tree.at, spec.Name.Name, s)
			}
			return true
		})
	}
}

func checkFields(t *testing.T, at func(token.Pos) string, owner string, s *ast.StructType) {
	for _, field := range s.Fields.List {
		if field.Tag == nil || strings.Contains(field.Tag.Value, `json:"-"`) || !strings.Contains(field.Tag.Value, `json:"`) {
			continue
		}
		for _, name := range field.Names {
			if name.IsExported() && field.Doc == nil && field.Comment == nil {
				t.Errorf("%s: configuration field %s.%s has no comment: say its default, its unit and what zero means", at(name.Pos()), owner, name.Name)
			}
		}
	}
}

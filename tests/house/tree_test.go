// Package house_test holds the source to the rules of CONTRIBUTING.md, those
// that no linter knows. It reads the files that git tracks and builds nothing.
//
// Every failure names the file and line, the rule, and its reason. Where the
// rule is wrong and not the file, change the rule here, with the new reason.
package house_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/caddyhub/caddyhub"
)

// file is one tracked file.
type file struct {
	// path is relative to the root of the repository, with slashes.
	path    string
	content []byte
	// syntax is nil unless the file is Go.
	syntax *ast.File
}

func (f file) folder() string { return path.Dir(f.path) }

func (f file) isGo() bool { return f.syntax != nil }

func (f file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// under says whether the file is in a folder or below it.
func (f file) under(folder string) bool { return strings.HasPrefix(f.path, folder+"/") }

// imports returns the import paths of a Go file with their positions.
func (f file) imports() map[string]token.Pos {
	found := map[string]token.Pos{}
	for _, spec := range f.syntax.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil {
			found[name] = spec.Pos()
		}
	}
	return found
}

// tree is all tracked files, read once.
type tree struct {
	files     []file
	positions *token.FileSet
}

func (t tree) at(pos token.Pos) string {
	p := t.positions.Position(pos)
	return p.Filename + ":" + strconv.Itoa(p.Line)
}

var readOnce = sync.OnceValues(read)

func source(t *testing.T) tree {
	t.Helper()
	tree, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func read() (tree, error) {
	list := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		return tree{}, errors.New("git ls-files: " + err.Error() + ": these rules are about what is tracked")
	}
	all := tree{positions: token.NewFileSet()}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and the removal not yet committed
		}
		if err != nil {
			return tree{}, err
		}
		f := file{path: name, content: content}
		if strings.HasSuffix(name, ".go") && !strings.Contains(name, "/testdata/") {
			f.syntax, err = parser.ParseFile(all.positions, name, content, parser.ParseComments)
			if err != nil {
				return tree{}, err
			}
		}
		all.files = append(all.files, f)
	}
	return all, nil
}

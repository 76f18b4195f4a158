package page

import (
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// allViews is one zero value of each view.
func allViews() []View {
	return []View{Login{}, Logout{}, Home{}, SpawnOptions{}, SpawnPending{}, StopPending{},
		NotRunning{}, Token{}, Consent{}, AcceptShare{}, ActAs{}, SwitchUser{}, Admin{}, Error{}}
}

// filler sets every field of a view that people or other systems can choose, so
// that a new field cannot be forgotten.
type filler struct {
	text    string
	address string
	yes     bool
	count   int
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	stateType    = reflect.TypeFor[ServerState]()
)

func (f *filler) view(v View) View {
	out := reflect.New(reflect.TypeOf(v)).Elem()
	f.fill(out, "")
	return out.Interface().(View)
}

func (f *filler) visitor() Visitor {
	var v Visitor
	f.fill(reflect.ValueOf(&v).Elem(), "")
	return v
}

func (f *filler) fill(v reflect.Value, name string) {
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 2, 14, 3, 0, 0, time.UTC)))
	case v.Type() == durationType:
		v.SetInt(int64(5 * time.Second))
	case v.Type() == stateType:
		f.count++
		v.SetString(string([]ServerState{Stopped, Starting, Running, Stopping}[f.count%4]))
	case v.Type().PkgPath() == "html/template":
		// The operator's own HTML.
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), v.Type().Field(i).Name)
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 4, 4))
		for i := range v.Len() {
			f.fill(v.Index(i), name)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name)
	case v.Kind() == reflect.String:
		f.count++
		text := f.text
		if isAddress(name) {
			text = f.address
		}
		v.SetString(fmt.Sprintf("%s%d", text, f.count))
	case v.Kind() == reflect.Bool:
		v.SetBool(f.yes)
	case v.CanInt():
		v.SetInt(7)
	default:
		panic("no way to fill " + v.Type().String())
	}
}

func isAddress(name string) bool {
	return strings.HasSuffix(name, "URL") || strings.HasSuffix(name, "URI") || name == "Action"
}

func newPages(t testing.TB, options Options) *Pages {
	t.Helper()
	p, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// render gives the page as text and parsed.
func render(t testing.TB, p *Pages, visitor Visitor, view View) (string, *html.Node) {
	t.Helper()
	recorder := httptest.NewRecorder()
	p.Render(recorder, 200, visitor, view)
	if recorder.Code != 200 {
		t.Fatalf("%T: status %d: %s", view, recorder.Code, recorder.Body)
	}
	body := recorder.Body.String()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return body, root
}

// elements lists all elements below root, in order.
func elements(root *html.Node) []*html.Node {
	var out []*html.Node
	for node := range root.Descendants() {
		if node.Type == html.ElementNode {
			out = append(out, node)
		}
	}
	return out
}

func attr(node *html.Node, name string) string {
	value, _ := lookup(node, name)
	return value
}

func lookup(node *html.Node, name string) (string, bool) {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func text(node *html.Node) string {
	var out strings.Builder
	for n := range node.Descendants() {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// byID finds an element, or fails.
func byID(t testing.TB, root *html.Node, id string) *html.Node {
	t.Helper()
	for _, node := range elements(root) {
		if attr(node, "id") == id {
			return node
		}
	}
	t.Fatalf("no element has the id %q", id)
	return nil
}

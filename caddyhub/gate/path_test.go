package gate

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"testing"
)

// corpusRow is a line of testdata/paths.txt.
type corpusRow struct{ base, want, target string }

func corpus(t testing.TB) []corpusRow {
	t.Helper()
	data, err := os.ReadFile("testdata/paths.txt")
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		row := corpusRow{base: "/"}
		var found bool
		if row.want, row.target, found = strings.Cut(line, "\t"); !found {
			t.Fatalf("no tab in %q", line)
		}
		if base, want, found := strings.Cut(strings.TrimPrefix(row.want, "base="), " "); found {
			row.base, row.want = base, want
		}
		rows = append(rows, row)
	}
	if len(rows) < 60 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

// read parses a request as a server does.
func read(target string) (*http.Request, error) {
	return http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: hub.example.org\r\n\r\n")))
}

func TestCanonicalCorpus(t *testing.T) {
	reasons := map[string]error{
		"form": ErrPathForm, "byte": ErrPathByte, "encoding": ErrPathEncoding, "dots": ErrPathDots,
		"empty": ErrPathEmpty, "slash": ErrPathSlash, "parameter": ErrPathParameter,
	}
	for _, row := range corpus(t) {
		r, err := read(row.target)
		if err != nil {
			if row.want != "http" {
				t.Errorf("%s: net/http refused: %v", row.target, err)
			}
			continue
		}
		got, err := Canonical(r, row.base)
		if row.want != "pass" {
			if want := reasons[row.want]; want == nil || !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %s (%v)", row.target, err, row.want, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: refused: %v", row.target, err)
			continue
		}
		if forwarded, _, _ := strings.Cut(r.URL.RequestURI(), "?"); forwarded != got.String() {
			t.Errorf("%s: decided on %q, forwarded %q", row.target, got, forwarded)
		}
	}
}

func TestCanonicalLength(t *testing.T) {
	for length, want := range map[int]error{MaxPathLength: nil, MaxPathLength + 1: ErrPathLength, 64 << 10: ErrPathLength} {
		_, err := CanonicalPath("/"+strings.Repeat("a", length-1), "/")
		if !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", length, err, want)
		}
	}
}

// A handler in front may have rewritten the URL: the decision is about what is
// forwarded, not about what was asked for.
func TestCanonicalSeesRewrittenURL(t *testing.T) {
	r, err := read("/prefix/user/alice/lab")
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path = "/user/bob/../alice/lab"
	if _, err := Canonical(r, "/"); !errors.Is(err, ErrPathDots) {
		t.Errorf("got %v", err)
	}
	r.URL.Path, r.URL.RawPath = "/user/bob/lab", "/user/alice/lab"
	if got, err := Canonical(r, "/"); err != nil || got.Segment(1) != "bob" {
		t.Errorf("RawPath that does not belong to Path: %q, %v", got, err)
	}
}

func TestPathSegments(t *testing.T) {
	p, err := CanonicalPath("/jupyter/user/ada%20l%C3%B6w/api/x", "/jupyter/")
	if err != nil {
		t.Fatal(err)
	}
	if !p.InBase() || p.Below() != "user/ada%20l%C3%B6w/api/x" {
		t.Errorf("below base: %v %q", p.InBase(), p.Below())
	}
	for i, want := range []string{"user", "ada löw", "api", "x", "", ""} {
		if got := p.Segment(i); got != want {
			t.Errorf("segment %d: %q, want %q", i, got, want)
		}
	}
	if !p.HasSegment("api") || p.HasSegment("ap") || p.HasSegment("jupyter") {
		t.Error("HasSegment")
	}
	for _, outside := range []string{"/jupyterx/user/a", "/jupyter", "/Jupyter/user/a", "/"} {
		if p, err := CanonicalPath(outside, "/jupyter/"); err != nil || p.InBase() {
			t.Errorf("%s: in base %v, %v", outside, p.InBase(), err)
		}
	}
	if (Path{}).InBase() || (Path{}).Below() != "" || (Path{}).Segment(0) != "" {
		t.Error("the zero Path is somewhere")
	}
}

// readers are upstreams that read a path in their own ways.
var readers = map[string]func(string) string{
	"decode once, clean":  func(p string) string { return path.Clean(unescapeOnce(p)) },
	"clean, decode once":  func(p string) string { return unescapeOnce(path.Clean(p)) },
	"decode twice, clean": func(p string) string { return path.Clean(unescapeOnce(unescapeOnce(p))) },
	"backslash is slash": func(p string) string {
		return path.Clean(strings.ReplaceAll(unescapeOnce(p), `\`, "/"))
	},
	"parameters dropped": func(p string) string {
		segments := strings.Split(p, "/")
		for i := range segments {
			segments[i], _, _ = strings.Cut(segments[i], ";")
		}
		return path.Clean(unescapeOnce(strings.Join(segments, "/")))
	},
	"cut at the hash": func(p string) string { p, _, _ = strings.Cut(p, "#"); return path.Clean(unescapeOnce(p)) },
	"cut at NUL":      func(p string) string { p, _, _ = strings.Cut(unescapeOnce(p), "\x00"); return path.Clean(p) },
}

// unescapeOnce decodes what it can and leaves the rest, as lenient servers do.
func unescapeOnce(p string) string {
	decoded, _ := decode(nil, p)
	return string(decoded)
}

// Whatever passes is read by every upstream as belonging to the same user.
func FuzzCanonical(f *testing.F) {
	for _, row := range corpus(f) {
		f.Add(row.target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r, err := read(target)
		if err != nil {
			return
		}
		p, err := Canonical(r, "/")
		if err != nil {
			var reason PathError
			if !errors.As(err, &reason) {
				t.Fatalf("%q: %v is no PathError", target, err)
			}
			return
		}
		forwarded, _, _ := strings.Cut(r.URL.RequestURI(), "?")
		if forwarded != p.String() {
			t.Fatalf("%q: decided on %q, forwarded %q", target, p, forwarded)
		}
		if back, err := url.PathUnescape(p.String()); err != nil || back != r.URL.Path {
			t.Fatalf("%q: path %q decodes to %q, %v", target, r.URL.Path, back, err)
		}
		if p.Segment(0) != "user" || p.Segment(1) == "" {
			return
		}
		// A reader that decodes twice sees another name, but never another place.
		mine := fmt.Sprintf("/user/%s", p.Segment(1))
		for name, reader := range readers {
			seen := strings.SplitN(reader(p.String()), "/", 4)
			if len(seen) < 3 {
				t.Fatalf("%q: %s: reads %q", target, name, seen)
			}
			if got := "/user/" + seen[2]; got != mine && got != unescapeOnce(mine) {
				t.Fatalf("%q: %s: reads %q, we read %q", target, name, got, mine)
			}
		}
	})
}

func BenchmarkCanonical(b *testing.B) {
	for name, target := range map[string]string{"plain": "/user/alice/api/kernels/0d7f3c2a/channels", "encoded": "/user/ada%20lovelace/api/contents/a%2Fb%20c.ipynb"} {
		b.Run(name, func(b *testing.B) {
			r, err := read(target)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Canonical(r, "/"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

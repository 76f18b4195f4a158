package gate_test

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// hostile is a request that means something else to somebody on its way.
type hostile struct {
	name, method, target, authority string
	fields                          []field
	body                            string
	// exactly, over HTTP/2 and 3, is sent in place of all of it but the body.
	exactly []field
	// refused says that no upstream may see it at all. Otherwise one may, as it
	// was sent.
	refused bool
}

func (r hostile) has(name string) bool {
	return slices.ContainsFunc(r.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
}

// TestHostile sends one list of requests over every version of HTTP. Each is
// refused, or the upstream sees what was decided about: alice's own, byte for
// byte, and nothing in it that only the edge may say.
func TestHostile(t *testing.T) {
	t.Parallel()
	h := start(t, hubtest.Options{HTTPS: true, NamedServers: true})
	site := strings.TrimPrefix(h.URL, "https://")
	list := slices.Concat(hostilePaths(t), hostileMethods(), hostileHeaders(), hostileFraming(), hostilePseudo(site, h.aliceToken))
	for _, over := range protocols {
		t.Run(over.name, func(t *testing.T) {
			t.Parallel()
			var forwarded, refused int
			for _, r := range list {
				if over.name == "HTTP/1.1" && r.exactly != nil {
					continue
				}
				if r.authority == "" {
					r.authority = site
				}
				r.fields = append([]field{{"Authorization", "token " + h.aliceToken}, {"User-Agent", "test"}}, r.fields...)
				got, err := over.send(t, h, r)
				switch {
				case errors.Is(err, errCut):
					refused++
				case err != nil:
					t.Errorf("%s: %v", r.name, err)
				case !got.forwarded():
					refused++
					if got.StatusCode < 300 && len(got.body) > 0 && !strings.HasPrefix(r.target, "/hub") {
						t.Errorf("%s: neither forwarded nor refused: %s", r.name, got)
					}
				default:
					forwarded++
					checkSeen(t, h, r, got)
				}
			}
			if forwarded < 40 || refused < 100 {
				t.Errorf("%d forwarded, %d refused: the list has lost its teeth", forwarded, refused)
			}
			t.Logf("%d requests: %d forwarded as they were, %d refused", forwarded+refused, forwarded, refused)
		})
	}
}

// checkSeen holds what an upstream has seen to what was sent.
func checkSeen(t *testing.T, h *hub, r hostile, got answer) {
	t.Helper()
	if r.refused {
		t.Errorf("%s: not refused: %s", r.name, got)
		return
	}
	seen := got.request(t)
	if seen.Target != r.target || seen.Method != r.method {
		t.Errorf("%s: sent %s %q, upstream saw %s %q", r.name, r.method, r.target, seen.Method, seen.Target)
	}
	for style, read := range upstreams {
		if place := read(seen.Target); !strings.HasPrefix(place+"/", "/user/alice/") && !strings.HasPrefix(place+"/", "/services/alice/") {
			t.Errorf("%s: %s reads %q as %q", r.name, style, seen.Target, place)
		}
	}
	declared := r.has("content-length") // the rest is a request of its own, or dropped
	if !r.has("transfer-encoding") && seen.Body != r.body && !(declared && strings.HasPrefix(r.body, seen.Body)) || strings.Contains(seen.Body, "HTTP/1.1") && declared {
		t.Errorf("%s: sent the body %q, upstream read %q", r.name, r.body, seen.Body)
	}
	for name, values := range seen.Header {
		if slices.Contains(values, "mallory") || strings.Contains(strings.Join(values, "\n"), "caddyhub-session") {
			t.Errorf("%s: upstream was told %s: %q", r.name, name, values)
		}
	}
	for name, want := range map[string]string{"Authorization": "token " + h.aliceToken, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"} {
		if values := seen.Header.Values(name); len(values) != 1 || values[0] != want {
			t.Errorf("%s: upstream saw %s %q", r.name, name, values)
		}
	}
}

// upstreams are ways to read the path of a target.
var upstreams = map[string]func(target string) string{
	"Tornado": func(target string) string {
		raw, _, _ := strings.Cut(target, "?")
		return path.Clean(unquote(raw))
	},
	"net/http": func(target string) string {
		parsed, err := url.ParseRequestURI(target)
		if err != nil {
			return err.Error()
		}
		return path.Clean(parsed.Path)
	},
	"WHATWG URL": func(target string) string {
		raw, _, _ := strings.Cut(target, "?")
		raw, _, _ = strings.Cut(raw, "#")
		raw = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(raw)
		segments := strings.Split(raw, "/")
		for i, segment := range segments {
			if dots := strings.ReplaceAll(strings.ToLower(segment), "%2e", "."); dots == "." || dots == ".." {
				segments[i] = dots
			}
		}
		return path.Clean(unquote(strings.Join(segments, "/")))
	},
	"path parameters": func(target string) string {
		raw, _, _ := strings.Cut(target, "?")
		segments := strings.Split(raw, "/")
		for i := range segments {
			segments[i], _, _ = strings.Cut(unquote(segments[i]), ";")
		}
		return path.Clean(strings.Join(segments, "/"))
	},
}

// unquote decodes what is well-formed and leaves the rest, as Python does.
func unquote(text string) string {
	pieces := strings.Split(text, "%")
	decoded := pieces[0]
	for _, piece := range pieces[1:] {
		plain := ""
		if len(piece) >= 2 {
			plain, _ = url.PathUnescape("%" + piece[:2])
		}
		if plain == "" {
			decoded += "%" + piece
			continue
		}
		decoded += plain + piece[2:]
	}
	return decoded
}

// hostilePaths are the targets that the gate's own tests go by, for servers and
// for services, which begin in another way.
func hostilePaths(t *testing.T) []hostile {
	var list []hostile
	for _, one := range targets(t) {
		for _, target := range []string{one.path, strings.Replace(one.path, "user", "services", 1)} {
			list = append(list, hostile{name: "path " + target, method: http.MethodGet, target: target, refused: one.verdict != "pass"})
		}
	}
	for _, target := range []string{
		"/user/alice/x/?/../../bob/x", "/user/alice/x?next=/user/bob/#/user/bob", "/user/alice/%u002e%u002e/bob/x",
		"/user/alice/x/y/..%c0%af../bob", "/user/alice/x/y/%2e%2e%5cbob", "/user/bob/x", "/user/alice@bob/x", "/user/alice/x%0aX-Forwarded-User:mallory",
		"/user/%2561lice/x", "/user/alic%65/x", "/hub/../user/bob/x", "/hub/..;/user/bob/x", "/hub/static/..%2f..%2fuser/bob/x", "/services/alice/../../user/bob/x",
		"/user/alice/x " + "HTTP/1.1", "/user/alice/x\x00", "/user/alice/x\x7f", "/user/alice/" + strings.Repeat("a/../", 100) + "x",
	} {
		list = append(list, hostile{name: "path " + target, method: http.MethodGet, target: target})
	}
	return list
}

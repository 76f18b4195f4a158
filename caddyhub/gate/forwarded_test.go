package gate

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// upstreamStyles are upstreams that find out from a request target whose it is.
// They share no code with what decides.
var upstreamStyles = map[string]func(target string) []string{
	// Tornado: the query is cut off, then everything is unquoted, then matched.
	"tornado": func(target string) []string {
		raw, _, _ := strings.Cut(target, "?")
		return strings.Split(pythonUnquote(raw), "/")
	},
	// net/http's ServeMux: parsed, and cleaned of dots and double slashes.
	"net/http": func(target string) []string {
		parsed, err := url.ParseRequestURI(target)
		if err != nil {
			return nil
		}
		return removeDots(strings.Split(parsed.Path, "/"), func(string) bool { return false })
	},
	// Node and browsers: backslashes are slashes, %2e is a dot, tabs are nothing.
	"whatwg": func(target string) []string {
		raw := target[:strings.IndexAny(target+"?", "?#")]
		raw = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(raw)
		segments := removeDots(strings.Split(raw, "/"), func(s string) bool { return strings.Contains(strings.ToLower(s), "%2e") })
		for i := range segments {
			segments[i] = pythonUnquote(segments[i])
		}
		return segments
	},
	// Servlets: parameters are cut off each segment, then it is decoded, then cleaned.
	"servlet": func(target string) []string {
		raw, _, _ := strings.Cut(target, "?")
		segments := strings.Split(raw, "/")
		for i, segment := range segments {
			segments[i], _, _ = strings.Cut(segment, ";")
		}
		return removeDots(strings.Split(pythonUnquote(strings.Join(segments, "/")), "/"), func(string) bool { return false })
	},
}

// pythonUnquote is urllib.parse.unquote, without what it makes of bytes that are
// not UTF-8.
func pythonUnquote(text string) string {
	pieces := strings.Split(text, "%")
	for i, piece := range pieces[1:] {
		var c byte
		if n, err := fmt.Sscanf(piece[:min(2, len(piece))], "%02x", &c); n == 1 && err == nil && len(piece) >= 2 && !strings.ContainsAny(piece[:2], " +-_xX") {
			pieces[i+1] = string([]byte{c}) + piece[2:]
		} else {
			pieces[i+1] = "%" + piece
		}
	}
	return strings.Join(pieces, "")
}

func removeDots(segments []string, encoded func(string) bool) []string {
	var kept []string
	for i, segment := range segments {
		plain := segment
		if encoded(segment) {
			plain = strings.NewReplacer("%2e", ".", "%2E", ".").Replace(segment)
		}
		switch {
		case plain == "..":
			kept = kept[:max(1, len(kept)-1)]
		case plain == ".", plain == "" && i > 0 && i < len(segments)-1:
		default:
			kept = append(kept, segment)
		}
	}
	return kept
}

// lines reads a request as it is written: no parser of net/http's is used.
func lines(raw string) (requestLine []string, fields [][2]string) {
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	first, rest, _ := strings.Cut(head, "\r\n")
	for line := range strings.SplitSeq(rest, "\r\n") {
		if name, value, found := strings.Cut(line, ":"); found {
			name = strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(strings.TrimSpace(name)))
			fields = append(fields, [2]string{name, strings.TrimSpace(value)})
		}
	}
	return strings.Split(first, " "), fields
}

// What was decided is what the upstream sees: whatever bytes come in, if they are
// not refused, an upstream of any style finds the same owner in what goes out, no
// identity, no cookie of ours and no upgrade but a WebSocket.
func FuzzForwarded(f *testing.F) {
	for _, row := range corpus(f) {
		f.Add("GET " + row.target + " HTTP/1.1\r\nHost: h\r\n\r\n")
	}
	for _, fields := range []string{
		"X-Forwarded-User: mallory", "x_forwarded.USER: mallory", "Connection: close, Authorization", "Cookie: a=b; session=x;;=session=y",
		"Connection: upgrade\r\nUpgrade: h2c", "Cookie: session\t=x", "Transfer-Encoding: chunked\r\nTrailer: X-Forwarded-User", "A: b\r\n X-Forwarded-User: mallory",
	} {
		f.Add("POST /user/alice/lab HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n\r\n")
	}
	hygiene := NewHygiene(HygieneOptions{IdentityHeaders: []string{"X-Forwarded-User"}, Cookies: []string{"session"}})
	f.Fuzz(func(t *testing.T, raw string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			return
		}
		path, refusal := Canonical(r, "/")
		request := Request{Class: Classify(r, path), Method: r.Method, PathError: refusal}
		known := Subject{Identity: IdentityVerified, XSRF: XSRFPassed, SameOrigin: true, Access: AccessGranted}
		if !Decide(request, known, Resource{State: StateReady}, Links{}).Allowed() {
			return
		}
		hygiene.SanitizeRequest(r.Header)
		if request.Class.Kind != KindWebSocket {
			StripUpgrade(r.Header)
		}
		target := path.String()
		if _, query, found := strings.Cut(r.URL.RequestURI(), "?"); found {
			target += "?" + query
		}
		var out bytes.Buffer
		fmt.Fprintf(&out, "%s %s HTTP/1.1\r\n", r.Method, target)
		if err := r.Header.Write(&out); err != nil {
			t.Fatal(err)
		}
		checkForwarded(t, out.String()+"\r\n", path, request)
	})
}

func checkForwarded(t *testing.T, out string, path Path, request Request) {
	t.Helper()
	first, fields := lines(out)
	if len(first) != 3 || first[0] != request.Method {
		t.Fatalf("the request line is read as %q", first)
	}
	for style, read := range upstreamStyles {
		seen := read(first[1])
		if path.Segment(0) != "user" || path.Segment(1) == "" {
			continue
		}
		if len(seen) < 3 || seen[1] != "user" || seen[2] != path.Segment(1) {
			t.Fatalf("%s reads %q as %q, decided was %q", style, first[1], seen, path)
		}
	}
	for _, field := range fields {
		switch field[0] {
		case "x-forwarded-user":
			t.Fatalf("an identity goes upstream: %q", field)
		case "upgrade":
			if request.Class.Kind != KindWebSocket || !strings.EqualFold(field[1], "websocket") {
				t.Fatalf("an upgrade goes upstream: %q", field)
			}
		case "connection":
			for token := range strings.SplitSeq(strings.ToLower(field[1]), ",") {
				if !slices.Contains([]string{"", "close", "keep-alive", "upgrade", "te"}, strings.Trim(token, " \t")) {
					t.Fatalf("Connection names %q", token)
				}
			}
		case "cookie":
			for pair := range strings.SplitSeq(field[1], ";") {
				if name, _, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(pair), "="), "="); strings.TrimSpace(name) == "session" {
					t.Fatalf("our cookie goes upstream: %q", field)
				}
			}
		}
	}
}

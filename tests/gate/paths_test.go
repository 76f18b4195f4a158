package gate_test

import (
	"bufio"
	"net/http"
	"os"
	"strings"
	"testing"
)

// corpus is the list of targets that the gate's own tests go by.
const corpus = "../../caddyhub/gate/testdata/paths.txt"

type target struct{ verdict, path string }

func targets(t *testing.T) []target {
	t.Helper()
	file, err := os.Open(corpus)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var found []target
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "base=") || line == "" {
			continue
		}
		verdict, path, ok := strings.Cut(line, "\t")
		if !ok {
			t.Fatalf("%s: %q", corpus, line)
		}
		found = append(found, target{verdict, path})
	}
	return found
}

// testPaths sends every target of the corpus: what is forwarded is what was
// sent, byte for byte, and everything else is refused before anybody sees it.
func testPaths(t *testing.T, h *hub) {
	forwarded := 0
	for _, one := range targets(t) {
		if strings.HasPrefix(one.path, "http:") {
			continue // testAbsoluteForm
		}
		// The service is alice's, too; its paths differ in the first segment.
		for _, path := range []string{one.path, strings.Replace(one.path, "user", "services", 1)} {
			got := h.get(t, path, byToken(h.aliceToken))
			switch {
			case one.verdict != "pass":
				if got.StatusCode != http.StatusBadRequest || got.forwarded() {
					t.Errorf("%q: not refused: %s", path, got)
				}
			case got.StatusCode == http.StatusBadRequest:
				t.Errorf("%q: refused: %s", path, got)
			case got.forwarded():
				forwarded++
				if seen := got.request(t).Target; seen != path {
					t.Errorf("sent %q, forwarded %q", path, seen)
				}
			case strings.HasPrefix(path, "/user/alice/"), strings.HasPrefix(path, "/services/alice/"):
				t.Errorf("%q: not forwarded: %s", path, got)
			}
		}
	}
	if forwarded < 20 {
		t.Errorf("only %d targets of the corpus were forwarded", forwarded)
	}
}

// testAbsoluteForm: a target with scheme and host is one of this site or none,
// whatever the Host header says.
func testAbsoluteForm(t *testing.T, h *hub) {
	if seen := h.get(t, h.URL+"/user/alice/x", byToken(h.aliceToken)).request(t).Target; seen != "/user/alice/x" {
		t.Errorf("forwarded %q", seen)
	}
	for _, path := range []string{"http://evil.example.com/user/alice/x", "http://evil.example.com/hub/login"} {
		if got := h.get(t, path, byToken(h.aliceToken)); got.forwarded() || len(got.body) > 0 {
			t.Errorf("%s: %s", path, got)
		}
	}
	if got := h.get(t, h.URL+"/user/alice/../bob/x", byToken(h.aliceToken)); got.StatusCode != http.StatusBadRequest {
		t.Errorf("dots: %s", got)
	}
}

// testOtherHosts: the hub answers to the name of its site and to no other.
func testOtherHosts(t *testing.T, h *hub) {
	for _, host := range []string{"evil.example.com", "localhost.", "127.0.0.1", "localhost.evil.example.com", "xlocalhost"} {
		for _, path := range []string{"/user/alice/x", "/hub/login", "/hub/api/"} {
			got := h.send(t, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\n"+byToken(h.aliceToken)+"\r\n\r\n")
			if got.forwarded() || len(got.body) > 0 || len(got.Header["Set-Cookie"]) > 0 {
				t.Errorf("%s%s: %s", host, path, got)
			}
		}
	}
	if got := h.send(t, h.head("CONNECT", "127.0.0.1:22", byToken(h.aliceToken))+"\r\nSSH-2.0-x\r\n"); got.forwarded() || len(got.body) > 0 {
		t.Errorf("CONNECT: %s", got)
	}
}

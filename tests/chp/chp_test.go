// Package chp_test compares "caddyhub configurable-http-proxy" with the program
// whose place it takes: the 65 tests of configurable-http-proxy 5.3, and what it
// does wrong, as checks that ask both programs over the network.
//
// A check that the original does not pass names a row of
// tests/conformance/DIFFERENCES.md. It fails when the row is not there, and when
// the original passes after all: the page is neither too short nor too long.
package chp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/binary"
	"github.com/caddyhub/caddyhub/tests/internal/jupyterhub"
)

var caddyhub string

func TestMain(m *testing.M) {
	path, remove, err := binary.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	caddyhub = path
	code := m.Run()
	remove()
	_ = os.RemoveAll(identityFolder) // empty if no test needed it
	os.Exit(code)
}

// check is one thing that a proxy does.
type check struct {
	name string
	// differs is the first cell of the row about it; empty if both pass.
	differs string
	// options of the command line, beside the addresses.
	options []string
	// fresh wants a proxy that no other check has used.
	fresh bool
	run   func(c *ask)
}

// checks are all of them.
func checks() []check {
	return slices.Concat(apiChecks(), commandChecks(), proxyChecks(), tableChecks(), defectChecks(), headerChecks())
}

func TestCaddyhub(t *testing.T) {
	t.Parallel()
	p := proxies{t: t, program: []string{caddyhub, "configurable-http-proxy"}, running: make(map[string]*proxy)}
	for _, check := range checks() {
		for _, failure := range p.check(check) {
			t.Errorf("%s: %s", check.name, failure)
		}
	}
}

func TestOriginal(t *testing.T) {
	t.Parallel()
	node := jupyterhub.NodeModules(t)
	p := proxies{
		t: t, program: []string{filepath.Join(node, "configurable-http-proxy")}, path: node,
		running: make(map[string]*proxy), patience: 2 * time.Second,
	}
	rows := differences(t)
	for _, check := range checks() {
		failures := p.check(check)
		switch {
		case check.differs == "":
			for _, failure := range failures {
				t.Errorf("%s: the original differs, and no row is named: %s", check.name, failure)
			}
		case !slices.Contains(rows, check.differs):
			t.Errorf("%s: DIFFERENCES.md has no row %q", check.name, check.differs)
		case len(failures) == 0:
			t.Errorf("%s: the original does the same; the row %q is too much", check.name, check.differs)
		}
	}
}

// TestRows wants each row about the proxy to be one that a check looks at.
func TestRows(t *testing.T) {
	t.Parallel()
	all := checks()
	for _, row := range differences(t) {
		if !slices.ContainsFunc(all, func(c check) bool { return c.differs == row }) && !slices.Contains(elsewhere, row) {
			t.Errorf("no check is about the row %q", row)
		}
	}
}

// elsewhere are rows that other tests look at: of this package, of the packages
// themselves, or, for what takes minutes to see, by their options.
var elsewhere = []string{
	"Routes that the hub itself has made",
	"Idle connections of clients",
	"Uploads",
	"WebSockets that are refused",
	"WebSockets over HTTP/2 (RFC 8441) with TLS",
	"HTTP/2 without TLS, of clients that begin with it (RFC 9113, 3.3)",
	"WebSockets that are open when the proxy stops",
	"Routes after a crash",
	"`last_activity` where several proxies share routes",
	"Signals",
	"An address that is taken",
	"`--ssl-dhparam`, `--ssl-allow-rc4`, `--ssl-protocol` below TLS 1.2",
	"`--storage-backend`",
	"Colours in the log",
}

// differences are the first cells of the rows about the proxy.
func differences(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../conformance/DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## The proxy\n")
	if !found {
		t.Fatal("DIFFERENCES.md has no section about the proxy")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if first := strings.TrimPrefix(cells[0], "| "); len(cells) == 4 && first != "What" {
			rows = append(rows, first)
		}
	}
	return rows
}

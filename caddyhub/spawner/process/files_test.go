//go:build unix

package process

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

func TestHome(t *testing.T) {
	base := t.TempDir()
	o := options(t)
	o.Home, o.CreateHome = base+"/homes/{username}/{servername}", true
	s := newSpawner(t, o)
	for _, name := range []string{"ada", "..", "a/../../b", "-rf"} {
		var owner osprocess.Account
		if err := s.prepareHome(request(name, "lab"), &owner); err != nil {
			t.Errorf("home of %q: %v", name, err)
			continue
		}
		info, err := os.Stat(owner.Home)
		if err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(filepath.Dir(owner.Home)) != base+"/homes" {
			t.Errorf("home of %q is %s: %v, %v", name, owner.Home, info, err)
		}
	}
	if entries, err := os.ReadDir(base); err != nil || len(entries) != 1 {
		t.Errorf("beside the homes: %v, %v", entries, err)
	}
	if err := os.Chmod(base+"/homes/ada/lab", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := s.prepareHome(request("ada", "lab"), &osprocess.Account{}); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(base + "/homes/ada/lab"); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("a home that exists was changed: %v, %v", info, err)
	}
	if err := os.Symlink("/nowhere", base+"/homes/link"); err != nil {
		t.Fatal(err)
	}
	o.Home = base + "/homes/{username}"
	if err := newSpawner(t, o).prepareHome(request("link", ""), &osprocess.Account{}); err == nil {
		t.Error("a home was made through a link")
	}
}

func TestLogFiles(t *testing.T) {
	o := shell(t, "echo $MINE; exec sleep 300")
	s := newSpawner(t, o)
	for _, text := range []string{"first", "second"} {
		r := request("ada", "")
		r.Environment["MINE"] = text
		ref, known := begin(t, s, r)
		logged(t, known, text)
		if err := s.Stop(t.Context(), ref, true); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"ada.log": "second\n", "ada.log.1": "first\n"} {
		data, err := os.ReadFile(filepath.Join(o.LogDir, name))
		info, _ := os.Stat(filepath.Join(o.LogDir, name))
		if err != nil || string(data) != want || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %q, %v, %v, want %q", name, data, info, err, want)
		}
	}
	paths := make(map[string]string)
	for _, pair := range [][2]string{
		{"a", ""}, {"a", "b"}, {"a,b", ""}, {"a", "b,c"}, {"a,b", "c"}, {"..", ""}, {"../x", ""}, {"a/b", ""}, {"a.log", ""},
		{strings.Repeat("ö", 200), ""}, {strings.Repeat("ö", 200), "x"}, {strings.Repeat("ö", 201), ""},
	} {
		got := s.logPath(pair[0], pair[1])
		if other, ok := paths[got]; ok || filepath.Dir(got) != o.LogDir || len(filepath.Base(got)) > 220 {
			t.Errorf("log of %q is %q, as of %s", pair, got, other)
		}
		paths[got] = pair[0]
	}
}

// A log that grows is emptied under the writing server, its last part kept.
func TestLogLimit(t *testing.T) {
	o := shell(t, "echo 0123456789; read line < $HOME/pipe; echo more; exec sleep 300")
	o.Home, o.LogLimit = t.TempDir(), 8
	pipe := filepath.Join(o.Home, "pipe")
	if err := makePipe(pipe); err != nil {
		t.Fatal(err)
	}
	s := newSpawner(t, o)
	ref, known := begin(t, s, request("ada", ""))
	logged(t, known, "9\n")
	if !running(t, s, ref) {
		t.Fatal("the server has ended")
	}
	if data, err := os.ReadFile(known.Log + ".1"); err != nil || string(data) != "3456789\n" {
		t.Errorf("what was kept: %q, %v", data, err)
	}
	if err := os.WriteFile(pipe, []byte("go\n"), 0); err != nil {
		t.Fatal(err)
	}
	if got := logged(t, known, "more"); got != "more\n" {
		t.Errorf("the log begins anew with %q", got)
	}
}

func TestTail(t *testing.T) {
	o := options(t)
	s := newSpawner(t, o)
	ref := spawner.Ref{User: "ada"}
	for content, want := range map[string][]string{
		"":                               nil,
		"\n\n":                           nil,
		"one":                            {"one"},
		"one\ntwo\nthree\nfour\n":        {"two", "three", "four"},
		"\x1b[31mred\x1b[0m\r\n\x07bell": {"red", "bell"},
		"\x1b]0;title\x07text\xff":       {"text\uFFFD"},
		"<b>&\n":                         {"<b>&"},
		strings.Repeat("x\n", maxTail):   {"x", "x", "x"},
		strings.Repeat("ö", maxTail):     {strings.Repeat("ö", osprocess.MaxLine/2) + "…"},
	} {
		if err := os.MkdirAll(o.LogDir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.logPath("ada", ""), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.Tail(t.Context(), ref, 3)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Tail of %.40q: %.80q, %v, want %.80q", content, got, err, want)
		}
	}
	o.LogDir = ""
	if got, err := newSpawner(t, o).Tail(t.Context(), ref, 3); err != nil || got != nil {
		t.Errorf("Tail without logs: %q, %v", got, err)
	}
}

func TestPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, text, _ := net.SplitHostPort(taken.Addr().String())
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	var p ports
	if got, err := p.choose("127.0.0.1", port, port); err == nil {
		t.Errorf("port %d was given although taken", got)
	}
	taken.Close()
	if got, err := p.choose("127.0.0.1", port, port); err != nil || got != port {
		t.Errorf("got %d, %v, want %d", got, err, port)
	}
	if got, err := p.choose("127.0.0.1", port, port); err == nil {
		t.Errorf("port %d was given twice", got)
	}
	p.drop(time.Now().Add(portRest + time.Second))
	if got, err := p.choose("127.0.0.1", port, port); err != nil || got != port {
		t.Errorf("after its rest: %d, %v, want %d", got, err, port)
	}
	seen := make(map[int]bool)
	for range 50 {
		got, err := p.choose("127.0.0.1", 0, 0)
		if err != nil || seen[got] {
			t.Fatalf("port %d, %v, given before: %v", got, err, seen[got])
		}
		seen[got] = true
	}
}

func TestStateIsRead(t *testing.T) {
	for _, text := range []string{"{", "[]", `{"version":2,"node":"x"}`, `{"version":1}`, `{"version":1,"node":"x","pid":-5}`, `{"version":1,"node":"x","pid":1}`} {
		if got, err := readState([]byte(text)); !errors.Is(err, spawner.ErrState) {
			t.Errorf("readState(%s): %+v, %v", text, got, err)
		}
	}
}

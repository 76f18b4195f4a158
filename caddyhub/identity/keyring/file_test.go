package keyring

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9/logging"

	"github.com/caddyhub/caddyhub/caddyhub/store/storetest"
)

// work says what this test binary does when a test starts it as a process.
const work = "KEYRING_TEST_WORK"

func TestMain(m *testing.M) {
	logging.Disable()
	file := File{Path: os.Getenv("KEYRING_TEST_PATH"), Now: time.Now}
	switch os.Getenv(work) {
	case "load":
		ring, err := Open(context.Background(), file, time.Now)
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(ring.Keys()[0].String())
	case "replace":
		for {
			// One key each time, so that the file changes but does not grow.
			_, err := file.Save(context.Background(), func([]Key) ([]Key, error) { return []Key{NewKey(time.Now())}, nil })
			if err != nil {
				panic(err)
			}
			os.Stdout.WriteString("saved\n")
		}
	default:
		os.Exit(m.Run())
	}
}

// process is this binary at work on a file.
func process(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), work+"="+what, "KEYRING_TEST_PATH="+path)
	command.Stderr = os.Stderr
	return command
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestProcessesCreateOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder", "ring")
	keys := make([]string, 6)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			output, err := process(t, "load", path).Output()
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(output)
		})
	}
	group.Wait()
	for _, key := range keys {
		if key != keys[0] || key == "" {
			t.Errorf("different keys: %q", keys)
		}
	}
	for _, where := range []struct {
		path string
		mode os.FileMode
	}{{path, 0o600}, {filepath.Dir(path), 0o700}, {filepath.Dir(filepath.Dir(path)), 0o700}} {
		if info, err := os.Stat(where.path); err != nil || info.Mode().Perm() != where.mode {
			t.Errorf("%s: %v, %v", where.path, info.Mode(), err)
		}
	}
}

// A process that is killed while it writes leaves a whole ring and no lock.
func TestKilledWhileSaving(t *testing.T) {
	file := File{Path: filepath.Join(t.TempDir(), "ring"), Now: time.Now}
	for i := range 12 {
		writer := process(t, "replace", file.Path)
		output, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(output)
		for range i + 1 {
			if !lines.Scan() {
				t.Fatal("the writer has ended")
			}
		}
		if err := writer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = writer.Wait() // says that it was killed
		if keys, err := file.Load(t.Context()); err != nil || len(keys) != 1 {
			t.Fatalf("after a kill: %v, %v", keys, err)
		}
		if _, err := file.Save(t.Context(), func(keys []Key) ([]Key, error) { return keys, nil }); err != nil {
			t.Fatalf("after a kill: %v", err)
		}
	}
	if left, err := filepath.Glob(file.Path + "*"); err != nil || len(left) != 2 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestModes(t *testing.T) {
	file := File{Path: filepath.Join(t.TempDir(), "ring"), Now: time.Now}
	if _, err := file.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for mode, allowed := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true, 0o640: false, 0o604: false, 0o644: false, 0o620: false, 0o602: false, 0o660: false,
	} {
		if err := os.Chmod(file.Path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := file.Load(t.Context())
		if (err == nil) != allowed {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if err != nil && !strings.Contains(err.Error(), "0600") {
			t.Errorf("mode %04o: the error does not say what to do: %v", mode, err)
		}
	}
}

// A damaged file is an error that says so, and is not overwritten.
func TestDamagedFiles(t *testing.T) {
	whole := File{Path: filepath.Join(t.TempDir(), "ring"), Now: time.Now}
	if _, err := whole.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(whole.Path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string]string{
		"empty": "", "cut off": string(text[:len(text)/2]), "no keys": "[]", "null": "null", "another thing": `{"canary": 1}`,
		"text": "canary", "trailing": string(text) + "canary", "wrong types": `[{"id": "canary", "secret": 1}]`,
		"endless": "[" + strings.Repeat(" ", maxFile+1) + "]",
	} {
		file := File{Path: filepath.Join(t.TempDir(), "ring"), Now: time.Now}
		if err := os.WriteFile(file.Path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := file.Load(t.Context())
		if err == nil || errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), file.Path) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
		ring := newRing(t, storetest.NewClock())
		if Rotate(t.Context(), file, ring) == nil || Reload(t.Context(), file, ring) == nil {
			t.Errorf("%s: rotated or reloaded", name)
		}
		if after, err := os.ReadFile(file.Path); err != nil || string(after) != damaged {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
}

func TestLockedFile(t *testing.T) {
	file := File{Path: filepath.Join(t.TempDir(), "ring"), Now: time.Now}
	if _, err := file.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(t.Context(), file.Path+".lock")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	keep := func(keys []Key) ([]Key, error) { return keys, nil }
	if _, err := file.Save(ctx, keep); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Save beside another process: %v", err)
	}
	if _, err := file.Load(ctx); err != nil {
		t.Errorf("reading needs the lock: %v", err)
	}
	unlock()
	if _, err := file.Save(t.Context(), keep); err != nil {
		t.Errorf("after the lock is free: %v", err)
	}
}

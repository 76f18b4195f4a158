package hubtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shownLines is how much of each log is shown when a test fails.
const shownLines = 150

func (h *Hub) logPath() string { return filepath.Join(h.folder, "caddyhub.log") }

// Log is what the hub has logged so far, over all its runs.
func (h *Hub) Log() string {
	h.t.Helper()
	text, err := os.ReadFile(h.logPath())
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}

// ServerLog is what the servers of all users have logged so far.
func (h *Hub) ServerLog() string {
	h.t.Helper()
	var text strings.Builder
	for _, path := range h.serverLogs() {
		lines, err := os.ReadFile(path)
		if err != nil {
			h.t.Fatal(err)
		}
		text.Write(lines)
	}
	return text.String()
}

func (h *Hub) serverLogs() []string {
	paths, err := filepath.Glob(filepath.Join(h.folder, "log", "*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return paths
}

func (h *Hub) showLogs() {
	for _, path := range append([]string{h.logPath()}, h.serverLogs()...) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		last := lines[max(0, len(lines)-shownLines):]
		if crash := slices.IndexFunc(lines, isCrash); crash >= 0 {
			last = lines[crash:min(crash+shownLines, len(lines))]
		}
		h.t.Logf("lines of %s:\n%s", filepath.Base(path), strings.Join(last, "\n"))
	}
}

// isCrash tells whether a line is the first of those that a crash writes.
func isCrash(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")
}

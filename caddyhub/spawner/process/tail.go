//go:build unix

package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

// maxTail is how much of a log's end is read: a server that writes without end
// must not fill the hub's memory.
const maxTail = 64 << 10

// Tail returns the last lines of the newest start's log. The file is found by
// the names, never by a path in the state.
func (s *Spawner) Tail(_ context.Context, server spawner.Ref, n int) ([]string, error) {
	known, err := readState(server.State)
	if err != nil {
		return nil, err
	}
	if known.Node != "" && !s.here(known) {
		return nil, spawner.ErrElsewhere
	}
	name := s.logPath(server.User, server.Server)
	if name == "" || n <= 0 {
		return nil, nil
	}
	text, cut, err := readEnd(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("process spawner: log: %w", err)
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if cut && len(lines) > 1 {
		lines = lines[1:]
	}
	if len(lines) == 1 && lines[0] == "" {
		return nil, nil
	}
	lines = lines[max(0, len(lines)-n):]
	for i, line := range lines {
		lines[i] = osprocess.PlainLine(line)
	}
	return lines, nil
}

// readEnd reads a file's last bytes; cut says that there are more before.
func readEnd(name string) (text string, cut bool, err error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return "", false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", false, err
	}
	from := max(0, info.Size()-maxTail)
	data, err := io.ReadAll(io.NewSectionReader(file, from, maxTail))
	return string(data), from > 0, err
}

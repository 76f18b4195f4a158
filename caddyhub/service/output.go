package service

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/caddyhub/caddyhub/caddyhub/osprocess"
)

const (
	// maxLine is how much of a line of output is read in one piece; what is
	// beyond is dropped. A service must not fill the memory of the hub.
	maxLine = 16 << 10
	// minSecret is the length from which on a text is taken for a secret: to
	// blot out shorter ones would make the log unreadable and hide nothing.
	minSecret = 4
	// blot stands in place of a secret.
	blot = "[secret]"
)

// output returns what takes the lines of a service to the log, without these
// secrets.
func (t *task) output(secrets []string) func(line string) {
	hide := strings.NewReplacer(blots(secrets)...)
	return func(line string) {
		t.log.Info("service says", "line", osprocess.PlainLine(hide.Replace(line)))
	}
}

// blots are what to replace and by what: each line of a secret, the longest
// first, so that nothing is left of one that begins like another.
func blots(secrets []string) (pairs []string) {
	var lines []string
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return len(b) - len(a) })
	for _, line := range lines {
		if len(line) >= minSecret {
			pairs = append(pairs, line, blot)
		}
	}
	return pairs
}

// eachLine calls use with every line, without its end, until the output is over
// or cannot be read. Empty lines are left out.
func eachLine(output io.Reader, use func(line string)) {
	lines := bufio.NewReaderSize(output, maxLine)
	rest := false
	for {
		line, unfinished, err := lines.ReadLine()
		if err != nil {
			return
		}
		if !rest && len(line) > 0 {
			use(string(line))
		}
		rest = unfinished
	}
}

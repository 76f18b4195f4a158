package service

import (
	"bufio"
	"io"
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
	var pairs []string
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			pairs = append(pairs, secret, blot)
		}
	}
	hide := strings.NewReplacer(pairs...)
	return func(line string) {
		t.log.Info("service says", "line", osprocess.PlainLine(hide.Replace(line)))
	}
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

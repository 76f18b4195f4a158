package osprocess

import (
	"regexp"
	"strings"
)

// MaxLine is the length at which PlainLine cuts, in bytes.
const MaxLine = 2000

// terminalCode is what programs write to colour a terminal, ECMA-48 section 5.4
// and operating system commands.
var terminalCode = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?`)

// PlainLine is a line of a program's output without terminal codes and control
// characters, cut to a bearable length.
func PlainLine(line string) string {
	line = terminalCode.ReplaceAllString(strings.ToValidUTF8(line, "\uFFFD"), "")
	line = strings.Map(func(r rune) rune {
		if r != '\t' && (r < 0x20 || r >= 0x7f && r < 0xa0) {
			return -1
		}
		return r
	}, line)
	if len(line) > MaxLine {
		line = strings.ToValidUTF8(line[:MaxLine], "") + "…"
	}
	return line
}

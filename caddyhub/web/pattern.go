package web

import "strings"

// browserPattern is a pattern of an option as a browser understands it, whose
// regular expressions are others (ECMAScript, flag v). What does not certainly
// mean the same there becomes "", and is left to the hub: a form must not refuse
// what the hub would accept.
func browserPattern(pattern string) string {
	var out strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\':
			if i++; i == len(pattern) || !strings.ContainsRune(`dDwW.*+?()[]{}|/\^$-`, rune(pattern[i])) {
				return ""
			}
			out.WriteByte('\\')
			out.WriteByte(pattern[i])
			continue
		case c >= 0x80 || c < ' ':
			return ""
		case class && c == ']':
			class = false
		case class && c == '[', class && strings.IndexByte("&~`#%@!<>=:;,\"", c) >= 0 && twice(pattern, i):
			return ""
		case class && strings.IndexByte("(){}/|", c) >= 0:
			out.WriteByte('\\')
		case class && c == '-' && !between(pattern, i):
			out.WriteByte('\\')
		case class:
		case c == '[':
			class = true
			if strings.HasPrefix(pattern[i+1:], "]") || strings.HasPrefix(pattern[i+1:], "^]") {
				return ""
			}
		case c == '(' && strings.HasPrefix(pattern[i+1:], "?") && !strings.HasPrefix(pattern[i+1:], "?:"):
			return ""
		case c == '{' && !counts(pattern[i:]), c == '}' && strings.LastIndexByte(pattern[:i], '{') < 0, c == ']':
			return ""
		}
		out.WriteByte(pattern[i])
	}
	return out.String()
}

// twice says whether a character stands there two times, which has a meaning of
// its own in a class.
func twice(pattern string, i int) bool {
	return i+1 < len(pattern) && pattern[i+1] == pattern[i] || pattern[i-1] == pattern[i]
}

// between says whether a hyphen stands between two characters of a class.
func between(pattern string, i int) bool {
	return pattern[i-1] != '[' && !strings.HasSuffix(pattern[:i], "[^") && i+1 < len(pattern) && pattern[i+1] != ']'
}

// counts says whether a brace begins a number of repetitions.
func counts(text string) bool {
	inside, _, closed := strings.Cut(text[1:], "}")
	least, most, _ := strings.Cut(inside, ",")
	return closed && least != "" && strings.Trim(least+most, "0123456789") == ""
}

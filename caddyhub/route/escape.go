package route

import "strings"

const upperHex = "0123456789ABCDEF"

// Escape percent-encodes a name as JupyterHub does in URLs and routespecs: all
// but ASCII letters, digits and "_.-~@".
func Escape(name string) string {
	if !strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 || !plain(byte(c)) }) {
		return name
	}
	escaped := make([]byte, 0, len(name)+16)
	for _, c := range []byte(name) {
		if plain(c) {
			escaped = append(escaped, c)
		} else {
			escaped = append(escaped, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(escaped)
}

func plain(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '_' || c == '.' || c == '-' || c == '~' || c == '@'
}

// isPlain says whether a segment is its own encoding.
func isPlain(segment string) bool {
	for i := range len(segment) {
		if !plain(segment[i]) {
			return false
		}
	}
	return true
}

// encodeAgain appends a percent-encoded segment in the encoding of routespecs. ok is
// false if an escape is malformed, or if it is longer than there is room: no
// routespec has it then.
func encodeAgain(room []byte, segment string) (encoded []byte, ok bool) {
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c == '%' {
			if i+2 >= len(segment) {
				return nil, false
			}
			high, low := unhex(segment[i+1]), unhex(segment[i+2])
			if high > 15 || low > 15 {
				return nil, false
			}
			c = high<<4 | low
			i += 2
		}
		if len(room)+len("%XX") > cap(room) {
			return nil, false
		}
		if plain(c) {
			room = append(room, c)
		} else {
			room = append(room, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return room, true
}

// unescape appends the percent-decoded text to dst. ok is false if an escape is
// malformed.
func unescape(dst []byte, text string) (decoded []byte, ok bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '%' {
			if i+2 >= len(text) {
				return nil, false
			}
			high, low := unhex(text[i+1]), unhex(text[i+2])
			if high > 15 || low > 15 {
				return nil, false
			}
			c = high<<4 | low
			i += 2
		}
		dst = append(dst, c)
	}
	return dst, true
}

// unhex is the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

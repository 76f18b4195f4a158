package gate

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// checkSegments checks what stands between slashes; the first few strictly.
func checkSegments(path string, strict int) error {
	for number := 0; path != ""; number++ {
		segment, rest, more := strings.Cut(path, "/")
		if number < strict && segment == "" && more {
			return ErrPathEmpty
		}
		if err := checkSegment(segment, number < strict); err != nil {
			return err
		}
		path = rest
	}
	return nil
}

// checkSegment checks one segment, encoded as it came.
func checkSegment(segment string, strict bool) error {
	if strict && strings.IndexByte(segment, ';') >= 0 {
		return ErrPathParameter
	}
	if segment == "." || segment == ".." {
		return ErrPathDots
	}
	for i := range len(segment) {
		if c := segment[i]; c == '%' || c == ';' || c >= utf8.RuneSelf {
			return checkEncoded(segment, strict)
		}
	}
	return nil
}

// checkEncoded checks a segment that means something else than it says.
func checkEncoded(segment string, strict bool) error {
	var buffer [256]byte
	decoded, wellFormed := decode(buffer[:0], segment)
	if !wellFormed {
		return ErrPathEscape
	}
	for _, c := range decoded {
		if c < ' ' || c == 0x7f || c == '\\' {
			return ErrPathByte
		}
	}
	if !utf8.Valid(decoded) {
		return ErrPathEncoding
	}
	if err := checkDecoded(decoded, strict); err != nil {
		return err
	}
	if bytes.IndexByte(decoded, '%') < 0 {
		return nil
	}
	return checkTwice(decoded, strict)
}

// checkTwice keeps an upstream that decodes twice from finding a way out. A
// percent sign that begins no escape is just that: a name may contain one.
func checkTwice(decoded []byte, strict bool) error {
	var buffer [256]byte
	again, _ := decode(buffer[:0], string(decoded))
	return checkDecoded(again, strict)
}

// checkDecoded looks for what would make one segment several, or none.
func checkDecoded(decoded []byte, strict bool) error {
	if hasDots(decoded) {
		return ErrPathDots
	}
	if strict && bytes.ContainsAny(decoded, `/\`) {
		return ErrPathSlash
	}
	return nil
}

// hasDots tells whether a decoded segment is a dot segment to somebody: between
// slashes or backslashes of its own, or before parameters.
func hasDots(decoded []byte) bool {
	start := 0
	for i := 0; i <= len(decoded); i++ {
		if i < len(decoded) && decoded[i] != '/' && decoded[i] != '\\' {
			continue
		}
		piece, _, _ := bytes.Cut(decoded[start:i], []byte{';'})
		if string(piece) == "." || string(piece) == ".." {
			return true
		}
		start = i + 1
	}
	return false
}

// decode appends the percent-decoded segment. A malformed escape makes wellFormed
// false and is appended as it is.
func decode(dst []byte, segment string) (decoded []byte, wellFormed bool) {
	wellFormed = true
	for i := 0; i < len(segment); i++ {
		c := segment[i]
		if c == '%' {
			if high, low := hexDigit(segment, i+1), hexDigit(segment, i+2); high >= 0 && low >= 0 {
				c = byte(high<<4 | low)
				i += 2
			} else {
				wellFormed = false
			}
		}
		dst = append(dst, c)
	}
	return dst, wellFormed
}

// hexDigit is the value of the digit at i, or -1.
func hexDigit(text string, i int) int {
	if i >= len(text) {
		return -1
	}
	switch c := text[i]; {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

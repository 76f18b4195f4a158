package proxy

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// response is the head of an answer.
type response struct {
	status int
	// fields in the order in which they came, with canonical names.
	fields []Field
	// length of the body that Content-Length tells; -1 if it does not.
	length int64
	// chunked: the body comes in chunks.
	chunked bool
	// keeps says that the connection stays open.
	keeps bool
}

// maxFields bounds the fields of one answer: a map of them is made for each.
const maxFields = 1000

var (
	lineEnd = []byte("\r\n")
	headEnd = []byte("\r\n\r\n")
)

// headLength is the length of the head at the beginning of b, or 0 if its end is
// not there yet. from is how much was looked at before.
func headLength(b []byte, from int) int {
	from = max(0, from-len(headEnd)+1)
	if i := bytes.Index(b[from:], headEnd); i >= 0 {
		return from + i + len(headEnd)
	}
	return 0
}

// parse reads a head that is there to its end. Whatever could be understood in
// two ways is ErrMalformed.
func (h *response) parse(head string) error {
	line, rest, _ := strings.Cut(head, "\r\n")
	minor, status, err := parseStatus(line)
	if err != nil {
		return err
	}
	*h = response{status: status, fields: h.fields[:0], length: -1, keeps: minor == 1}
	if h.fields, err = parseFields(h.fields, rest); err != nil {
		return err
	}
	for _, field := range h.fields {
		if err := h.frame(field, minor); err != nil {
			return err
		}
	}
	if h.chunked && h.length >= 0 {
		return fmt.Errorf("%w: both Content-Length and Transfer-Encoding", ErrMalformed)
	}
	return nil
}

// frame learns from a field how the body ends.
func (h *response) frame(field Field, minor int) error {
	switch field.Name {
	case "Content-Length":
		length, err := parseLength(field.Value)
		if err != nil {
			return err
		}
		if h.length >= 0 && h.length != length {
			return fmt.Errorf("%w: two lengths", ErrMalformed)
		}
		h.length = length
	case "Transfer-Encoding":
		if h.chunked || minor == 0 || !strings.EqualFold(field.Value, "chunked") {
			return fmt.Errorf("%w: a Transfer-Encoding other than chunked", ErrMalformed)
		}
		h.chunked = true
	case "Connection":
		if named([]string{field.Value}, "close") {
			h.keeps = false
		}
	}
	return nil
}

// parseStatus reads a status line (RFC 9112, 4), with or without a reason.
func parseStatus(line string) (minor, status int, err error) {
	const version = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || line[:len(version)] != version || line[7] != '0' && line[7] != '1' || line[8] != ' ' ||
		len(line) > 12 && line[12] != ' ' || !isFieldValue(line) {
		return 0, 0, fmt.Errorf("%w: a bad status line", ErrMalformed)
	}
	for _, digit := range []byte(line[9:12]) {
		if digit < '0' || digit > '9' {
			return 0, 0, fmt.Errorf("%w: a bad status line", ErrMalformed)
		}
		status = 10*status + int(digit-'0')
	}
	if status < 100 {
		return 0, 0, fmt.Errorf("%w: status %d", ErrMalformed, status)
	}
	return int(line[7] - '0'), status, nil
}

// parseFields reads fields up to the empty line at the end. Folded lines, spaces
// before the colon and control characters are not let through: receivers differ
// about them (RFC 9112, 5.1, 5.2).
func parseFields(fields []Field, text string) ([]Field, error) {
	for {
		line, rest, _ := strings.Cut(text, "\r\n")
		if line == "" {
			return fields, nil
		}
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || !isToken(name) || !isFieldValue(value) {
			return fields, fmt.Errorf("%w: a bad header field", ErrMalformed)
		}
		if len(fields) == maxFields {
			return fields, fmt.Errorf("%w: more than %d header fields", ErrMalformed, maxFields)
		}
		fields = append(fields, Field{http.CanonicalHeaderKey(name), value})
		text = rest
	}
}

func parseLength(text string) (int64, error) {
	length, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%w: a bad Content-Length", ErrMalformed)
	}
	return int64(length), nil
}

// bodiless says that an answer to a method has no body, whatever its fields say
// (RFC 9112, 6.3).
func (h *response) bodiless(method string) bool {
	return method == http.MethodHead || h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified
}

// copyTo adds the fields to a header, but for those that end here. What the
// upstream says about itself takes the place of what was there.
func (h *response) copyTo(header http.Header) {
	delete(header, "Server")
	var connection []string
	for i := range h.fields {
		if h.fields[i].Name == "Connection" {
			connection = append(connection, h.fields[i].Value)
		}
	}
	lengthless := h.status < 200 || h.status == http.StatusNoContent
	values := make([]string, len(h.fields))
	for i := range h.fields {
		name := h.fields[i].Name
		if hopByHop(name) || lengthless && name == "Content-Length" || len(connection) > 0 && named(connection, name) {
			continue
		}
		values[i] = h.fields[i].Value
		switch there, found := header[name]; {
		case !found:
			header[name] = values[i : i+1 : i+1]
		case name != "Content-Length":
			header[name] = append(there, values[i])
		}
	}
	if _, found := header["Content-Type"]; !found {
		header["Content-Type"] = nil // or net/http would guess one
	}
}

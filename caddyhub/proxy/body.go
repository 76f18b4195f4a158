package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// body is where the reading of an answer's body stands.
type body struct {
	// left of the body, or of the chunk; -1: until the connection ends.
	left    int64
	chunked bool
	// inside says that a chunk has begun, so that its end has to come.
	inside bool
	// trailer is the text of the fields behind the chunks.
	trailer string
}

// maxChunkLine bounds the line before a chunk, its extensions included, which
// nobody uses.
const maxChunkLine = 1024

// piece is the next part of the body; io.EOF at its end. It is good until the next
// call.
func (c *call) piece() ([]byte, error) {
	b := &c.body
	if b.chunked && b.left == 0 {
		if err := c.nextChunk(); err != nil {
			return nil, err
		}
	}
	if b.left == 0 {
		return nil, io.EOF
	}
	if len(c.conn.unread()) == 0 {
		if b.left < 0 || b.left > smallBuffer {
			c.conn.enlarge()
		}
		if err := c.fill(); err != nil {
			if errors.Is(err, io.EOF) && b.left < 0 {
				return nil, io.EOF
			}
			return nil, cutOff(err)
		}
	}
	piece := c.conn.unread()
	if b.left >= 0 {
		piece = piece[:min(int64(len(piece)), b.left)]
		b.left -= int64(len(piece))
	}
	c.conn.start += len(piece)
	return piece, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// nextChunk reads up to the data of the next chunk, or to the end of the body,
// where left stays 0.
func (c *call) nextChunk() error {
	if c.body.inside {
		if line, err := c.line(len(lineEnd)); err != nil || line != "" {
			return errors.Join(err, errChunk)
		}
	}
	line, err := c.line(maxChunkLine)
	if err != nil {
		return err
	}
	if c.body.left, err = chunkSize(line); err != nil {
		return err
	}
	if c.body.inside = c.body.left > 0; c.body.inside {
		return nil
	}
	c.body.chunked = false
	return c.readTrailer()
}

var errChunk = fmt.Errorf("%w: a bad chunk", ErrMalformed)

// chunkSize reads the line before a chunk (RFC 9112, 7.1). 15 digits are more
// than any disk and do not overflow.
func chunkSize(line string) (int64, error) {
	digits, _, _ := strings.Cut(line, ";")
	digits = strings.TrimRight(digits, " \t")
	if digits == "" || len(digits) > 15 || !isFieldValue(line) {
		return 0, errChunk
	}
	size := int64(0)
	for _, c := range []byte(digits) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errChunk
		}
		size = size<<4 | int64(c)
	}
	return size, nil
}

// line reads a line of at most limit bytes, and returns it without its end.
func (c *call) line(limit int) (string, error) {
	for {
		unread := c.conn.unread()
		if i := bytes.Index(unread, lineEnd); i >= 0 {
			if i+len(lineEnd) > limit {
				return "", errChunk
			}
			c.conn.start += i + len(lineEnd)
			return string(unread[:i]), nil
		}
		if len(unread) >= limit {
			return "", errChunk
		}
		if err := c.more(); err != nil {
			return "", err
		}
	}
}

// more reads behind what is unread.
func (c *call) more() error {
	if err := c.conn.grow(c.proxy.options.MaxResponseHeader); err != nil {
		return err
	}
	if err := c.fill(); err != nil {
		return cutOff(err)
	}
	return nil
}

// readTrailer reads the fields behind the last chunk, and the end.
func (c *call) readTrailer() error {
	for {
		unread := c.conn.unread()
		if bytes.HasPrefix(unread, lineEnd) {
			c.conn.start += len(lineEnd)
			return nil
		}
		if n := headLength(unread, 0); n > 0 {
			c.body.trailer = string(unread[:n])
			c.conn.start += n
			return nil
		}
		if err := c.more(); err != nil {
			return err
		}
	}
}

// relay sends the answer to the client. It says whether the connection is where
// the next answer would begin.
func (c *call) relay() (keep bool) {
	header, h := c.w.Header(), &c.head
	h.copyTo(header)
	c.body = body{left: h.length, chunked: h.chunked}
	if h.chunked {
		c.body.left = 0
		c.announce(header)
	}
	bodiless := h.bodiless(c.r.Method)
	if bodiless {
		c.body = body{}
	}
	keep = h.keeps && (bodiless || h.chunked || h.length >= 0)
	if c.upload != nil && !c.answered() {
		keep = false
	}
	if c.socket && c.r.ProtoMajor == 1 {
		header["Connection"] = []string{"close"} // whatever became of it, it is no tunnel
	}
	c.w.WriteHeader(h.status)
	if !bodiless {
		c.copyBody()
	}
	if h.status < http.StatusMultipleChoices {
		c.touch()
	}
	return keep
}

// announce passes on which fields will stand behind the body.
func (c *call) announce(header http.Header) {
	for _, field := range c.head.fields {
		if field.Name != "Trailer" {
			continue
		}
		for name := range announced(http.Header{"Trailer": {field.Value}}) {
			header.Add("Trailer", name)
		}
	}
}

// copyBody moves the body. What has come is sent before more is waited for. If it
// breaks off here or there, so does the other side.
func (c *call) copyBody() {
	control := http.NewResponseController(c.w)
	flush := func() {
		if c.waits() {
			if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
				panic(http.ErrAbortHandler)
			}
		}
	}
	flush()
	for {
		piece, err := c.piece()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			_, err = c.w.Write(piece)
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if c.head.status < http.StatusMultipleChoices {
			c.touch()
		}
		flush()
	}
	c.sendTrailer()
}

// waits says whether the rest of the body has still to come: there is nothing, or
// not all of what stands between two chunks.
func (c *call) waits() bool {
	unread := c.conn.unread()
	switch {
	case c.body.left != 0:
		return len(unread) == 0
	case c.body.chunked:
		return bytes.Count(unread, lineEnd) < 2
	}
	return false
}

// sendTrailer passes on the fields behind the body, announced or not.
func (c *call) sendTrailer() {
	if c.body.trailer == "" {
		return
	}
	fields, err := parseFields(nil, c.body.trailer)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	header := c.w.Header()
	promised := announced(header)
	for _, field := range fields {
		if !inTrailer(field.Name) {
			continue
		}
		name := field.Name
		if _, ok := promised[name]; !ok {
			// Or net/http may give a body this short a length, and no room for this.
			_ = http.NewResponseController(c.w).Flush()
			name = http.TrailerPrefix + name
		}
		header.Add(name, field.Value)
	}
}

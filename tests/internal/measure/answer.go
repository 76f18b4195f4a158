package measure

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

var errAnswer = errors.New("not an answer of HTTP/1.1")

// readAnswer reads one answer and returns its status and length in bytes. It
// looks at nothing but what it takes to find the end, so that the generator
// costs less than what it measures.
func readAnswer(r *bufio.Reader) (status int, length int64, err error) {
	line, err := readLine(r)
	if err != nil {
		return 0, 0, err
	}
	length = int64(len(line)) + 2
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, 0, fmt.Errorf("%w: %q", errAnswer, line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, fmt.Errorf("%w: %q", errAnswer, line)
	}
	body, chunked := int64(0), false
	for {
		if line, err = readLine(r); err != nil {
			return status, length, err
		}
		length += int64(len(line)) + 2
		if len(line) == 0 {
			break
		}
		if value, found := field(line, "content-length:"); found {
			if body, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return status, length, fmt.Errorf("%w: %q", errAnswer, line)
			}
		} else if value, found := field(line, "transfer-encoding:"); found {
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	if chunked {
		body, err = discardChunks(r)
		return status, length + body, err
	}
	err = discard(r, body)
	return status, length + body, err
}

func discardChunks(r *bufio.Reader) (length int64, err error) {
	for {
		line, err := readLine(r)
		if err != nil {
			return length, err
		}
		size, err := strconv.ParseInt(string(line), 16, 64)
		if err != nil {
			return length, fmt.Errorf("%w: chunk %q", errAnswer, line)
		}
		length += int64(len(line)) + size + 4
		if err := discard(r, size+2); err != nil || size == 0 {
			return length, err
		}
	}
}

func discard(r *bufio.Reader, length int64) error {
	for length > 0 {
		part, err := r.Discard(int(min(length, 1<<20)))
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		length -= int64(part)
	}
	return nil
}

// readLine returns a line without its end; it is good until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// field is the value of a header, whose name is given in lower case with its
// colon.
func field(line []byte, name string) (value []byte, found bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

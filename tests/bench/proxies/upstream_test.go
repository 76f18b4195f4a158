package proxies

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// What the upstream has, below any path.
const (
	smallPath  = "small"  // 1 KB
	largePath  = "large"  // 1 MiB
	socketPath = "socket" // a WebSocket that sends back what it gets
)

// serveUpstream answers with as little work as possible, so that the core it
// shares with the load is not what is measured.
func serveUpstream(address string) error {
	place, err := url.Parse(address)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", place.Host)
	if err != nil {
		return err
	}
	small, large := answer(1<<10), answer(1<<20)
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer connection.Close()
			_ = serveConnection(connection, small, large) // the other end has gone
		}()
	}
}

func answer(size int) []byte {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nX-JupyterHub-Version: 5.5.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", size)
	return append([]byte(head), bytes.Repeat([]byte("x"), size)...)
}

func serveConnection(connection net.Conn, small, large []byte) error {
	reader := bufio.NewReaderSize(connection, 4<<10)
	for {
		line, key, err := readRequest(reader)
		if err != nil {
			return err
		}
		switch {
		case strings.Contains(line, "/"+socketPath):
			head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptKey(key) + "\r\n\r\n"
			if _, err := io.WriteString(connection, head); err != nil {
				return err
			}
			return echo(connection, reader)
		case strings.Contains(line, "/"+largePath):
			_, err = connection.Write(large)
		default:
			_, err = connection.Write(small)
		}
		if err != nil {
			return err
		}
	}
}

// readRequest reads the head of a request, which has no body.
func readRequest(reader *bufio.Reader) (line, key string, err error) {
	text, err := reader.ReadSlice('\n')
	if err != nil {
		return "", "", err
	}
	line = string(text)
	for {
		if text, err = reader.ReadSlice('\n'); err != nil || len(text) <= 2 {
			return line, key, err
		}
		name, value, _ := bytes.Cut(text, []byte(":"))
		if textproto.CanonicalMIMEHeaderKey(string(name)) == "Sec-Websocket-Key" {
			key = string(bytes.TrimSpace(value))
		}
	}
}

// echo sends back each frame without its mask (RFC 6455, 5.2). Frames are short.
func echo(connection net.Conn, reader *bufio.Reader) error {
	for {
		frame, err := readFrame(reader)
		if err != nil {
			return err
		}
		if _, err := connection.Write(frame); err != nil {
			return err
		}
	}
}

// readFrame reads a frame of a client and returns it as a server sends it.
func readFrame(reader *bufio.Reader) ([]byte, error) {
	head := make([]byte, 2, 8)
	if _, err := io.ReadFull(reader, head); err != nil {
		return nil, err
	}
	size := int(head[1] & 0x7f)
	if size == 126 {
		head = head[:4]
		if _, err := io.ReadFull(reader, head[2:]); err != nil {
			return nil, err
		}
		size = int(binary.BigEndian.Uint16(head[2:]))
	}
	masked := make([]byte, 4+size)
	if _, err := io.ReadFull(reader, masked); err != nil {
		return nil, err
	}
	for i := range masked[4:] {
		masked[4+i] ^= masked[i%4]
	}
	head[1] &= 0x7f
	return append(head, masked[4:]...), nil
}

// upstreamAddress is the host and port in a URL of an upstream.
func upstreamAddress(address string) (host, port string, err error) {
	place, err := url.Parse(address)
	if err != nil {
		return "", "", err
	}
	if _, err := strconv.Atoi(place.Port()); err != nil {
		return "", "", fmt.Errorf("upstream %q has no port", address)
	}
	return place.Hostname(), place.Port(), nil
}

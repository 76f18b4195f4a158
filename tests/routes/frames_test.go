package routes_test

import (
	"bytes"
	"encoding/binary"
	"iter"
	"maps"
	"strconv"
)

// Kinds of frames (RFC 6455, 5.2).
const (
	continuation = 0x0
	text         = 0x1
	binaryData   = 0x2
	farewell     = 0x8
	ping         = 0x9
	pong         = 0xa
	final        = 0x80
	reserved     = 0x70
)

// frame is one as a client sends it, with a mask.
func frame(head byte, payload []byte) []byte {
	const masked = 0x80
	out := []byte{head}
	switch n := len(payload); {
	case n < 126:
		out = append(out, masked|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, masked|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, masked|127), uint64(n))
	}
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	out = append(out, mask[:]...)
	for i, b := range payload {
		out = append(out, b^mask[i%4])
	}
	return out
}

// framesOfAllKinds are the cases of the Autobahn test suite by what is sent: good
// frames, and those that an endpoint has to refuse. The one that ends a socket is
// the last.
func framesOfAllKinds() iter.Seq2[string, []byte] {
	long := func(n int) []byte { return bytes.Repeat([]byte("x"), n) }
	cases := map[string][]byte{
		"text in fragments, pings between them": bytes.Join([][]byte{
			frame(text, []byte("frag")), frame(final|ping, []byte("1")), frame(continuation, []byte("ment")),
			frame(final|ping, long(125)), frame(final|continuation, nil),
		}, nil),
		"a fragment without a beginning":       frame(final|continuation, []byte("x")),
		"a message within a message":           append(frame(text, []byte("a")), frame(final|text, []byte("b"))...),
		"a ping that is too long":              frame(final|ping, long(126)),
		"a ping in fragments":                  append(frame(ping, []byte("a")), frame(final|continuation, []byte("b"))...),
		"a pong that nobody asked for":         frame(final|pong, []byte("hello")),
		"reserved bits":                        frame(final|reserved|text, []byte("x")),
		"compressed":                           frame(final|0x40|binaryData, long(1000)),
		"reserved kinds":                       append(frame(final|0x3, []byte("x")), frame(final|0xb, nil)...),
		"no UTF-8":                             frame(final|text, []byte("\xce\xba\xe1\xbd\xb9\xed\xa0\x80edited\xff")),
		"a character cut in two":               append(frame(text, []byte("\xf0\x9f")), frame(final|continuation, []byte("\x98\x80"))...),
		"a length in more bytes than it needs": {final | text, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 'x'},
		"without a mask":                       {final | text, 2, 'h', 'i'},
		"many small ones":                      bytes.Repeat(frame(final|text, []byte("x")), 2000),
		"1 MiB in fragments":                   append(bytes.Repeat(frame(binaryData, long(64<<10)), 16), frame(final|continuation, nil)...),
	}
	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20} {
		cases["text of "+strconv.Itoa(n)] = frame(final|text, long(n))
		cases["data of "+strconv.Itoa(n)] = frame(final|binaryData, long(n))
	}
	ends := make(map[string][]byte)
	for _, code := range []uint16{0, 999, 1000, 1001, 1004, 1005, 1006, 1011, 1015, 3000, 4999, 65535} {
		ends["close "+strconv.Itoa(int(code))] = frame(final|farewell, binary.BigEndian.AppendUint16(nil, code))
	}
	ends["close without a code"] = frame(final|farewell, nil)
	ends["close with half a code"] = frame(final|farewell, []byte{3})
	ends["close with a reason that is no UTF-8"] = frame(final|farewell, []byte("\x03\xe8\xff\xfe"))
	ends["close that is too long"] = frame(final|farewell, append([]byte{3, 0xe8}, long(124)...))
	return func(yield func(string, []byte) bool) {
		for _, group := range []map[string][]byte{cases, ends} {
			for name, sent := range maps.All(group) {
				if !yield(name, sent) {
					return
				}
			}
		}
	}
}

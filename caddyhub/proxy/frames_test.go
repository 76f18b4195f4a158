package proxy

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// frame is a frame with a payload of so many bytes.
func frame(opcode byte, final, masked bool, length int) []byte {
	b := []byte{opcode, 0}
	if final {
		b[0] |= 0x80
	}
	switch {
	case length < 126:
		b[1] = byte(length)
	case length <= 0xffff:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(length))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(length))
	}
	if masked {
		b[1] |= 0x80
		b = append(b, 1, 2, 3, 4)
	}
	return append(b, bytes.Repeat([]byte{'x'}, length)...)
}

// TestFrames: wherever a stream of frames is cut into pieces, the same places are
// between two frames.
func TestFrames(t *testing.T) {
	for _, masked := range []bool{false, true} {
		var stream []byte
		ends := map[int]bool{0: true}
		for _, length := range []int{0, 1, 125, 126, 127, 0xffff, 0x10000, 0, 5} {
			stream = append(stream, frame(2, true, masked, length)...)
			ends[len(stream)] = true
		}
		for _, step := range []int{1, 2, 3, 7, 100, 4096, len(stream)} {
			var f frames
			for at := 0; at < len(stream); {
				piece := stream[at:min(at+step, len(stream))]
				f.pass(piece)
				if at += len(piece); f.between() != ends[at] {
					t.Fatalf("masked %v, pieces of %d: at %d between two frames: %v", masked, step, at, f.between())
				}
			}
		}
	}
}

// TestFramesStop: next ends where the current frame does.
func TestFramesStop(t *testing.T) {
	first, second := frame(1, false, false, 300), frame(0, true, false, 10)
	var f frames
	f.pass(first[:2])
	n, _ := f.next(append(first[2:], second...))
	if n != len(first)-2 || !f.between() {
		t.Errorf("stopped after %d, between frames: %v", n, f.between())
	}
}

// TestFramesData: control is not what a person does.
func TestFramesData(t *testing.T) {
	for opcode, want := range map[byte]bool{0: true, 1: true, 2: true, 8: false, 9: false, 10: false} {
		if data := new(frames).pass(frame(opcode, true, true, 3)); data != want {
			t.Errorf("opcode %d: %v", opcode, data)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(frame(1, true, true, 200), uint8(3))
	f.Add([]byte{0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1}, uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		var whole, pieces frames
		whole.pass(stream)
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), int(step)+1)
			pieces.pass(rest[:n])
			rest = rest[n:]
		}
		if whole.left != pieces.left || whole.have != pieces.have {
			t.Fatalf("%x in pieces of %d: %+v, whole %+v", stream, step+1, pieces, whole)
		}
	})
}

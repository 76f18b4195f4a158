package proxy

// frames follows one direction of a WebSocket from frame to frame (RFC 6455, 5.2),
// so that a frame of ours can be put between two. What is no frame is not its
// business: it only counts.
type frames struct {
	// left of the payload of the current frame.
	left uint64
	// head is what has come of a frame's head, have how much.
	head [maxHead]byte
	have uint8
	// farewell says that a close frame has begun: what follows is the end.
	farewell bool
}

// maxHead is the length of the longest head: two bytes, a length of 64 bits, a mask.
const maxHead = 14

// opcodeClose is the kind of a frame that says farewell (RFC 6455, 5.5.1).
const opcodeClose = 8

// between says that the next byte begins a frame.
func (f *frames) between() bool { return f.left == 0 && f.have == 0 }

// next counts bytes up to the end of the current frame, or all, and says how many
// that were and whether they had the head of a frame with data of an application.
func (f *frames) next(b []byte) (n int, data bool) {
	for f.left == 0 && n < len(b) {
		f.head[f.have] = b[n]
		f.have++
		n++
		if f.have < f.headLength() {
			continue
		}
		opcode := f.head[0] & 0x0f
		data = opcode < opcodeClose // and from there on it is control
		f.farewell = f.farewell || opcode == opcodeClose
		f.left, f.have = f.payload(), 0
		if f.left == 0 {
			return n, data
		}
	}
	payload := min(f.left, uint64(len(b)-n))
	f.left -= payload
	return n + int(payload), data
}

// pass counts all bytes, and says whether among them began a frame with data.
func (f *frames) pass(b []byte) (data bool) {
	for len(b) > 0 {
		n, began := f.next(b)
		data = data || began
		b = b[n:]
	}
	return data
}

// headLength is how long the head is, as far as that is known.
func (f *frames) headLength() uint8 {
	if f.have < 2 {
		return 2
	}
	length := uint8(2)
	switch f.head[1] & 0x7f {
	case 126:
		length += 2
	case 127:
		length += 8
	}
	if f.head[1]&0x80 != 0 {
		length += 4
	}
	return length
}

// payload is the length that a complete head tells.
func (f *frames) payload() uint64 {
	short := f.head[1] & 0x7f
	var digits []byte
	switch short {
	case 126:
		digits = f.head[2:4]
	case 127:
		digits = f.head[2:10]
	default:
		return uint64(short)
	}
	length := uint64(0)
	for _, digit := range digits {
		length = length<<8 | uint64(digit)
	}
	return length
}

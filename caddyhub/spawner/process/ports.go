//go:build unix

package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

const (
	// defaultFirst and defaultLast are where ports come from if nobody says:
	// below those that systems give to whoever asks for any, outgoing connections
	// included (32768 on Linux, 49152 elsewhere). One of these could be gone again
	// before the server listens.
	defaultFirst = 20000
	defaultLast  = 32767
	// portRest is how long a port is not handed out again: the time that a
	// server may take from its start to its first listen.
	portRest = 2 * time.Minute
)

// ports hands out free ports. Between the choice and the moment when the server
// listens the port is only free, not taken: two starts at once must not get the
// same one.
type ports struct {
	mu    sync.Mutex
	given map[int]time.Time
}

// choose returns a port that nobody listens on, out of a range or, with first
// 0, the default one.
func (p *ports) choose(ip string, first, last int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(time.Now())
	if first == 0 {
		first, last = defaultFirst, defaultLast
	}
	count := last - first + 1
	offset := rand.IntN(count)
	return p.try(ip, count, func(i int) int { return first + (offset+i)%count })
}

func (p *ports) try(ip string, tries int, candidate func(int) int) (int, error) {
	var taken error
	for i := range tries {
		wanted := candidate(i)
		if _, resting := p.given[wanted]; resting {
			continue
		}
		port, err := free(ip, wanted)
		if err != nil {
			taken = err
			continue
		}
		if _, resting := p.given[port]; resting {
			continue
		}
		p.given[port] = time.Now()
		return port, nil
	}
	return 0, errors.Join(fmt.Errorf("no free port on %s in %d tries", ip, tries), taken)
}

// drop lets ports that have rested be handed out again.
func (p *ports) drop(now time.Time) {
	if p.given == nil {
		p.given = make(map[int]time.Time)
	}
	for port, given := range p.given {
		if now.Sub(given) > portRest {
			delete(p.given, port)
		}
	}
}

// free opens and closes a port.
func free(ip string, port int) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("address %v has no port", listener.Addr())
	}
	return address.Port, nil
}

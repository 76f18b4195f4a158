package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// silence ends a request over HTTP/2 in which nothing has moved for too long; nil
// never does.
type silence struct {
	limit time.Duration
	timer *time.Timer
}

func newSilence(limit time.Duration, cancel context.CancelCauseFunc) *silence {
	if limit <= 0 {
		return nil
	}
	return &silence{limit, time.AfterFunc(limit, func() { cancel(ErrTimeout) })}
}

func (s *silence) broken() {
	if s != nil {
		s.timer.Reset(s.limit)
	}
}

func (s *silence) end() {
	if s != nil {
		s.timer.Stop()
	}
}

// source is the body of a request that net/http sends on. It may be read until
// leave, and no longer: the server's next request begins behind it, and the call is
// another's. Close may come at any time.
type source struct {
	call    *call
	upload  *upload
	silence *silence
	// trailer gets what may go on of the trailer when the body has ended.
	trailer http.Header

	// reading is held while the body is read.
	reading sync.Mutex
	left    bool
	// closing is held while the reading is ended.
	closing sync.Mutex
	over    bool
}

func (c *call) newSource(silence *silence) *source {
	// The upload is what because looks at.
	c.upload = &upload{started: true}
	s := &source{call: c, upload: c.upload, silence: silence}
	for name := range c.r.Trailer {
		if !isToken(name) || !inTrailer(name) {
			continue
		}
		if s.trailer == nil {
			s.trailer = make(http.Header)
		}
		s.trailer[name] = nil
	}
	return s
}

var errLeft = errors.New("proxy: the request is over")

func (s *source) Read(b []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.left {
		return 0, errLeft
	}
	n, err := s.call.r.Body.Read(b)
	if n > 0 {
		s.silence.broken()
		s.call.touch()
	}
	switch {
	case errors.Is(err, io.EOF):
		s.upload.whole.Store(true)
		for name := range s.trailer {
			s.trailer[name] = s.call.r.Trailer[name]
		}
	case err != nil && !s.upload.ending.Load():
		s.upload.failed.Store(&err)
	}
	return n, err
}

// Close ends the reading of what has not been read: net/http closes a body that the
// upstream does not want, and waits for its reader.
func (s *source) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	if s.over || s.upload.whole.Load() {
		return nil
	}
	s.upload.ending.Store(true)
	return http.NewResponseController(s.call.w).SetReadDeadline(time.Unix(1, 0))
}

// leave sees to it that nothing reads the body any more.
func (s *source) leave() {
	_ = s.Close() // a body without a connection ends with it
	s.closing.Lock()
	s.over = true
	s.closing.Unlock()
	s.reading.Lock()
	defer s.reading.Unlock()
	s.left = true
}

// relayH2C sends an answer over HTTP/2 to the client. What has come is sent before
// more is waited for.
func (c *call) relayH2C(answer *http.Response, silence *silence) {
	c.setHead(answer.StatusCode, answer.Header)
	header := c.w.Header()
	c.head.copyTo(header)
	promised := make(http.Header)
	for name := range answer.Trailer {
		if inTrailer(name) {
			promised[name] = nil
			header.Add("Trailer", name)
			delete(header, "Content-Length") // HTTP/1.1 has no room for both
		}
	}
	if c.upload != nil {
		c.answered()
	}
	c.w.WriteHeader(answer.StatusCode)
	counts := answer.StatusCode < http.StatusMultipleChoices
	buffer := largeBuffers.Get().(*[largeBuffer]byte)
	defer largeBuffers.Put(buffer)
	control := http.NewResponseController(c.w)
	for {
		_ = control.Flush()
		n, err := answer.Body.Read(buffer[:])
		if n > 0 {
			silence.broken()
			if _, failed := c.w.Write(buffer[:n]); failed != nil {
				panic(http.ErrAbortHandler)
			}
		}
		if counts {
			c.touch()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
	for name, values := range answer.Trailer {
		if !inTrailer(name) {
			continue
		}
		if _, ok := promised[name]; !ok {
			_ = control.Flush()
			name = http.TrailerPrefix + name
		}
		header[name] = values
	}
}

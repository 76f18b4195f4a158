package direct

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// errStalled says that nothing moved for too long.
var errStalled = errors.New("nothing has moved between client and proxy")

// watched runs a request that ends when nothing has moved between client and
// proxy for this long. It then ends without an answer: the client has stopped
// reading or sending, or has waited for as long as it may.
func watched(w *answer, r *http.Request, limit time.Duration, serve func(http.ResponseWriter, *http.Request) error) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	control := http.NewResponseController(w.ResponseWriter)
	timer := time.AfterFunc(limit, func() {
		cancel(errStalled)
		// Whoever waits for the client to read or to send is woken.
		_ = control.SetReadDeadline(time.Unix(1, 0))
		_ = control.SetWriteDeadline(time.Unix(1, 0))
	})
	defer timer.Stop()
	moved := func() { timer.Reset(limit) }
	inner := r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		inner.Body = &movingBody{r.Body, moved}
	}
	err := serve(&movingWriter{w, moved}, inner)
	if errors.Is(context.Cause(ctx), errStalled) {
		panic(http.ErrAbortHandler)
	}
	return err
}

// movingBody tells when something has come from the client.
type movingBody struct {
	io.ReadCloser
	moved func()
}

func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.moved()
	}
	return n, err
}

// movingWriter tells when something has gone to the client.
type movingWriter struct {
	*answer
	moved func()
}

func (w *movingWriter) Write(p []byte) (int, error) {
	n, err := w.answer.Write(p)
	if n > 0 {
		w.moved()
	}
	return n, err
}

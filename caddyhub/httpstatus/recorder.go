// Package httpstatus notes with which status a request was answered.
//
// It guarantees that what it wraps can still do all that it could:
// http.ResponseController finds it by Unwrap.
package httpstatus

import "net/http"

// Recorder is a http.ResponseWriter that notes the status. The zero Recorder
// needs a ResponseWriter.
type Recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *Recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *Recorder) Write(data []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(data)
}

// Status is the status of the answer; zero if there is none yet. Informational
// ones (1xx) do not count.
func (r *Recorder) Status() int { return r.status }

// Unwrap is for http.ResponseController.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

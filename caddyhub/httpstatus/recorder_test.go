package httpstatus

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRecorder(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		want   int
	}{
		"nothing":     {func(http.ResponseWriter) {}, 0},
		"a body":      {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }, 200},
		"a status":    {func(w http.ResponseWriter) { w.WriteHeader(404); _, _ = io.WriteString(w, "x") }, 404},
		"the first":   {func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(200) }, 404},
		"early hints": {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(201) }, 201},
	} {
		under := httptest.NewRecorder()
		r := &Recorder{ResponseWriter: under}
		test.answer(r)
		if r.Status() != test.want {
			t.Errorf("%s: %d, want %d", name, r.Status(), test.want)
		}
		if err := http.NewResponseController(r).Flush(); err != nil || !under.Flushed {
			t.Errorf("%s: flushed %v, %v", name, under.Flushed, err)
		}
	}
}

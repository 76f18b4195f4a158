package direct

import (
	"cmp"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// Pages write the body of a refusal, and its status.
type Pages interface {
	Write(w http.ResponseWriter, r *http.Request, status int)
}

//go:embed page.html
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// advice is what a visitor can make of a status.
var advice = map[int]string{
	http.StatusBadRequest:         "The address is written in a way that can be read differently. Nothing was forwarded.",
	http.StatusNotFound:           "Nothing is registered at this address.",
	http.StatusServiceUnavailable: "What should answer at this address does not. Please try again in a moment.",
}

// OwnPages are short pages of our own.
type OwnPages struct{}

// Write writes a page.
func (OwnPages) Write(w http.ResponseWriter, _ *http.Request, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = page.Execute(w, struct {
		Status       int
		Text, Advice string
	}{status, http.StatusText(status), advice[status]}) // the client may have gone
}

// Folder are the files of a folder: STATUS.html, else error.html, read anew for
// each refusal.
type Folder struct {
	// Path of the folder.
	Path string
	// Log hears of files that cannot be read; nil discards.
	Log *slog.Logger
}

// Write writes a file, or the text of the status if there is none.
func (f Folder) Write(w http.ResponseWriter, _ *http.Request, status int) {
	for _, name := range []string{strconv.Itoa(status) + ".html", "error.html"} {
		body, err := os.ReadFile(filepath.Join(f.Path, name))
		if err == nil {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(status)
			_, _ = w.Write(body) // the client may have gone
			return
		}
		if !os.IsNotExist(err) {
			cmp.Or(f.Log, slog.New(slog.DiscardHandler)).Error("error page not read", "error", err)
		}
	}
	plain(w, status)
}

// plain is the text of a status, without a type.
func plain(w http.ResponseWriter, status int) {
	w.Header()["Content-Type"] = nil
	w.WriteHeader(status)
	_, _ = w.Write([]byte(http.StatusText(status))) // the client may have gone
}

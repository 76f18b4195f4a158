package web

import (
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
)

// file is a file that was sent with the options of a server; the body is base64
// in JSON.
type file struct {
	Filename    string `json:"filename"`
	ContentType string `json:"content_type"`
	Body        []byte `json:"body"`
}

// optionsOf are the options of a server as JupyterHub makes them of a query or a
// form: every field is a list, and files are the field NAME_file.
func optionsOf(fields url.Values, files map[string][]file) (json.RawMessage, error) {
	options := make(map[string]any, len(fields)+len(files))
	for name, values := range fields {
		options[name] = values
	}
	for name, list := range files {
		options[name+"_file"] = list
	}
	return json.Marshal(options)
}

// readFiles reads what came with a form, whose length is bounded already.
func readFiles(headers map[string][]*multipart.FileHeader) (map[string][]file, error) {
	files := make(map[string][]file, len(headers))
	for name, list := range headers {
		for _, header := range list {
			body, err := readFile(header)
			if err != nil {
				return nil, &failure{status: http.StatusBadRequest, message: "The form cannot be read."}
			}
			files[name] = append(files[name], file{header.Filename, header.Header.Get("Content-Type"), body})
		}
	}
	return files, nil
}

func readFile(header *multipart.FileHeader) ([]byte, error) {
	opened, err := header.Open()
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(opened)
}

package web

import (
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"github.com/caddyhub/caddyhub/caddyhub/hubpath"
	"github.com/caddyhub/caddyhub/caddyhub/server"
	"github.com/caddyhub/caddyhub/caddyhub/spawner/useroptions"
	"github.com/caddyhub/caddyhub/caddyhub/web/page"
)

// queryOptions are the options in the address that starts a server.
func (c *call) queryOptions() (json.RawMessage, error) {
	options, err := c.options.UserOptions.FromQuery(c.parameters())
	return options, unreadable(err)
}

// formOptions are the options in a form that was sent.
func (c *call) formOptions() (json.RawMessage, error) {
	fields := url.Values{}
	for field, values := range c.r.PostForm {
		if field != "_xsrf" {
			fields[field] = values
		}
	}
	var files map[string][]useroptions.File
	if c.r.MultipartForm != nil {
		var err error
		if files, err = readFiles(c.r.MultipartForm.File); err != nil {
			return nil, &failure{status: http.StatusBadRequest, message: "The form cannot be read."}
		}
	}
	options, err := c.options.UserOptions.FromForm(fields, files)
	return options, unreadable(err)
}

func unreadable(err error) error {
	var told *useroptions.Error
	if errors.As(err, &told) {
		return &failure{status: http.StatusBadRequest, message: told.Error()}
	}
	return err
}

// readFiles reads what came with a form, whose length is bounded already.
func readFiles(headers map[string][]*multipart.FileHeader) (map[string][]useroptions.File, error) {
	files := make(map[string][]useroptions.File, len(headers))
	for name, list := range headers {
		for _, header := range list {
			body, err := readFile(header)
			if err != nil {
				return nil, err
			}
			files[name] = append(files[name], useroptions.File{
				Filename: header.Filename, ContentType: header.Header.Get("Content-Type"), Body: body,
			})
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

// refusal is why the last attempt to start a server failed.
type refusal struct {
	status  int
	message string
	log     []string
}

// onForm is what the form says of an error, if that is its place: what the
// visitor may mend by other options or by trying again. Other errors have pages
// of their own.
func onForm(err error) (refusal, bool) {
	var refused *server.Error
	if !errors.As(err, &refused) {
		return refusal{}, false
	}
	for _, kind := range []error{server.ErrOptions, server.ErrSpawnLimit, server.ErrActiveLimit, server.ErrAuthExpired} {
		if errors.Is(err, kind) {
			return refusal{status: refused.Status, message: refused.Message}, true
		}
	}
	return refusal{}, false
}

// showOptions asks for the options of a server, filled with those given: of the
// last time, or of the attempt that was refused.
func (c *call) showOptions(user, name string, options json.RawMessage, why refusal) error {
	owner, err := c.options.Directory.User(c.r.Context(), user)
	if err != nil {
		return err
	}
	view := page.SpawnOptions{
		ServerName: name, ForUser: c.unlessOwn(user),
		Action: c.withNext(hubpath.Of(c.hub+"spawn/", user, name)),
		Form:   template.HTML(c.options.UserOptions.HTML()), //nolint:gosec // the operator's own
		Error:  why.message, Log: why.log,
	}
	for _, field := range c.options.UserOptions.Fields(options, owner.Groups) {
		view.Fields = append(view.Fields, fieldView(field))
	}
	return c.render(why.status, view)
}

func fieldView(field useroptions.Field) page.Field {
	view := page.Field{
		Name: field.Name, Label: field.Label, Type: string(field.Kind), Help: field.Help,
		Value: field.Value, Placeholder: field.Placeholder, Required: field.Required,
		Pattern: browserPattern(field.Pattern), MaxLength: field.MaxLength, Min: field.Min, Max: field.Max, Step: field.Step,
	}
	if field.Kind == useroptions.Checkbox {
		view.Value, view.Checked = "", field.Value != ""
	}
	for _, choice := range field.Choices {
		view.Options = append(view.Options, page.Choice{Value: choice.Value, Label: choice.Label, Help: choice.Help})
	}
	return view
}

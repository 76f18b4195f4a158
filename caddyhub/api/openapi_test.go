package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// exceptions are where JupyterHub's description of its API is not what
// JupyterHub answers.
var exceptions = []struct {
	schema, property string
	reason           string
	change           func(*openapi3.Schema)
}{
	{"User", "server", "null unless the default server is ready", orNull},
	{"User", "pending", "null unless something is pending", orNull},
	{"User", "pending", "a third state since JupyterHub 1", alsoCheck},
	{"User", "last_activity", "null before the first activity", orNull},
	{"User", "auth_state", "null in lists and where none is stored", orNull},
	{"User", "created", "left out of the description", text},
	{"Server", "pending", "null unless something is pending", orNull},
	{"Server", "pending", "a third state since JupyterHub 1", alsoCheck},
	{"Server", "started", "null while stopped", orNull},
	{"Server", "last_activity", "null before the first activity", orNull},
	{"Server", "full_name", "left out of the description", text},
	{"Service", "display", "left out of the description", truth},
	{"Token", "expires_at", "null if it does not expire, says the text", orNull},
	{"Token", "last_activity", "null before its first use, says the text", orNull},
	{"Token", "kind", "left out of the description", text},
	{"Token", "oauth_client", "left out of the description", text},
	{"NewToken", "expires_at", "null if it does not expire, says the text", orNull},
	{"NewToken", "last_activity", "null before its first use, says the text", orNull},
	{"NewToken", "kind", "left out of the description", text},
	{"NewToken", "oauth_client", "left out of the description", text},
}

func orNull(s *openapi3.Schema) {
	types := append(openapi3.Types{"null"}, s.Type.Slice()...)
	s.Type, s.Nullable = &types, true
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
}

func alsoCheck(s *openapi3.Schema) { s.Enum = append(s.Enum, "check") }
func text(s *openapi3.Schema)      { s.Type = &openapi3.Types{"string"} }
func truth(s *openapi3.Schema)     { s.Type = &openapi3.Types{"boolean"} }

// undescribed are paths that the description leaves out.
var undescribed = []string{"/health", "/authorizations/token/", "/authorizations/cookie/", "/admin-access", "/server/progress", "/progress"}

// left says of which calls the description leaves out the answer, or has it
// wrong: that which creates several groups, the group after members were removed,
// changes of services, and their list, which is an object; and the end of the hub.
func left(method, path string) bool {
	return method == http.MethodPost && path == "/groups" ||
		method == http.MethodDelete && strings.HasPrefix(path, "/groups/") && strings.HasSuffix(path, "/users") ||
		method != http.MethodGet && strings.HasPrefix(path, "/services/") || path == "/services" || path == "/shutdown"
}

// described is JupyterHub's description with the exceptions, and closed: a field
// that it does not know is an error.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/jupyterhub-rest-api.yml")
	if err != nil {
		return nil, err
	}
	for _, e := range exceptions {
		schema := doc.Components.Schemas[e.schema].Value
		if schema.Properties[e.property] == nil {
			schema.Properties[e.property] = openapi3.NewSchemaRef("", openapi3.NewSchema())
		}
		e.change(schema.Properties[e.property].Value)
	}
	closed := false
	for _, name := range []string{"User", "Server", "Service", "Token", "NewToken", "Group"} {
		doc.Components.Schemas[name].Value.AdditionalProperties.Has = &closed
	}
	return doc, nil
})

// conforms demands of an answer what every answer of the API has, and the body
// that the description promises.
func conforms(t testing.TB, r *http.Request, got *httptest.ResponseRecorder) {
	t.Helper()
	header := got.Header()
	for name, want := range map[string]string{
		"X-JupyterHub-Version":         "5.5.1",
		"Access-Control-Allow-Headers": "accept, content-type, authorization",
		"Content-Security-Policy":      "frame-ancestors 'none'; report-uri /hub/security/csp-report; default-src 'none'",
	} {
		if header.Get(name) != want {
			t.Errorf("%s %s: %s is %q, not %q", r.Method, r.URL, name, header.Get(name), want)
		}
	}
	if header.Get("X-CaddyHub-Version") == "" || (header.Get("Content-Type") == "") != (got.Code == http.StatusNoContent) {
		t.Errorf("%s %s: headers are missing: %v", r.Method, r.URL, header)
	}
	if got.Code == http.StatusUnauthorized {
		t.Errorf("%s %s: the hub never answers 401", r.Method, r.URL)
	}
	if got.Code >= 400 {
		isError(t, r, got)
		return
	}
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/hub/api")
	if slices.ContainsFunc(undescribed, func(part string) bool { return strings.Contains(path, part) }) ||
		left(r.Method, path) || r.Method == http.MethodOptions {
		return
	}
	matchesDescription(t, r, path, got)
}

func isError(t testing.TB, r *http.Request, got *httptest.ResponseRecorder) {
	t.Helper()
	var body struct {
		Status  int
		Message string
	}
	if r.Method == http.MethodHead {
		return
	}
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || body.Status != got.Code || body.Message == "" {
		t.Errorf("%s %s: %d %s is no error of the API (%v)", r.Method, r.URL, got.Code, got.Body, err)
	}
	if got.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: an error of type %q", r.Method, r.URL, got.Header().Get("Content-Type"))
	}
}

func matchesDescription(t testing.TB, r *http.Request, path string, got *httptest.ResponseRecorder) {
	t.Helper()
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	operation := operationOf(doc, path, r.Method)
	if operation == nil {
		t.Fatalf("%s %s is not described", r.Method, path)
	}
	response := operation.Responses.Status(got.Code)
	if response == nil {
		t.Fatalf("%s %s: status %d is not described", r.Method, path, got.Code)
	}
	media := response.Value.Content.Get("application/json")
	if media == nil || media.Schema == nil {
		if got.Body.Len() > 0 {
			t.Errorf("%s %s: %d has a body: %s", r.Method, path, got.Code, got.Body)
		}
		return
	}
	var value any
	if err := json.Unmarshal(got.Body.Bytes(), &value); err != nil {
		t.Fatalf("%s %s: %d %q: %v", r.Method, path, got.Code, got.Body, err)
	}
	schema := media.Schema.Value
	if page, is := value.(map[string]any); is && page["_pagination"] != nil {
		// With pages the list is one field; the description shows only the list.
		if err := doc.Components.Schemas["PaginatedList"].Value.VisitJSON(map[string]any{"_pagination": page["_pagination"]}, openapi3.MultiErrors()); err != nil {
			t.Errorf("%s %s: %v", r.Method, path, err)
		}
		value = page["items"]
	}
	if model, is := value.(map[string]any); is && path == "/user" {
		// RequestIdentity is User or Service with three more fields.
		for _, field := range []string{"scopes", "token_id", "session_id"} {
			if _, has := model[field]; !has {
				t.Errorf("/user has no %s: %s", field, got.Body)
			}
			delete(model, field)
		}
		schema = doc.Components.Schemas[map[any]string{"user": "User", "service": "Service"}[model["kind"]]].Value
	}
	if err := schema.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s %s: %v\n%s", r.Method, path, err, got.Body)
	}
}

// operationOf finds the operation of a path whose segments may be variables.
func operationOf(doc *openapi3.T, path, method string) *openapi3.Operation {
	if path == "" {
		path = "/"
	}
	segments := strings.Split(path, "/")
	for pattern, item := range doc.Paths.Map() {
		parts := strings.Split(pattern, "/")
		matches := len(parts) == len(segments)
		for i := 0; matches && i < len(parts); i++ {
			matches = parts[i] == segments[i] || strings.HasPrefix(parts[i], "{")
		}
		if operation := item.GetOperation(method); matches && operation != nil {
			return operation
		}
	}
	return nil
}

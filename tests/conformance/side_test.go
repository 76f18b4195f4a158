package conformance_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// side is one of the two hubs, with what its callers have: tokens and cookies.
type side struct {
	name   string
	url    string
	client *http.Client
	// tokens by user, jars by user.
	tokens map[string]string
	jars   map[string]*cookiejar.Jar
	// values that a story has saved.
	values map[string]string
	labels *labels
}

// answer is a response as it came.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// requestTimeout is longer than the longest that a hub may take by design: ten
// seconds for a start.
const requestTimeout = 40 * time.Second

func newSide(name, address string) *side {
	s := &side{
		name: name, url: address, tokens: map[string]string{}, jars: map[string]*cookiejar.Jar{},
		client: &http.Client{
			Timeout:       requestTimeout,
			Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.forget()
	return s
}

// forget ends a story: what was saved and numbered is of no use to the next.
func (s *side) forget() {
	s.values = map[string]string{"origin": s.url}
	s.labels = newLabels(s.url)
}

// send sends a step. The caller is one of
//
//	nobody       without credentials
//	stranger     with a token that is none
//	[A,B]        a service that has exactly the scopes A and B
//	service:X    a service of the world
//	cookie:U     user U by cookie, without proof of where the request comes from
//	page:U       user U by cookie, with the proof that pages send
//	U            user U by an API token that inherits
func (s *side) send(step step) (answer, error) {
	path := s.expand(step.path)
	header := make(http.Header)
	kind, name, _ := strings.Cut(step.caller, ":")
	var jar *cookiejar.Jar
	_, scoped := scopesOf(step.caller)
	switch {
	case step.caller == "nobody":
	case step.caller == "stranger":
		header.Set("Authorization", "token "+secret("nobody has this token"))
	case scoped:
		header.Set("Authorization", "token "+secret(serviceOf(step.caller)))
	case kind == "service":
		header.Set("Authorization", "token "+secret(name))
	case kind == "cookie", kind == "page":
		var err error
		if jar, err = s.session(name); err != nil {
			return answer{}, err
		}
		s.values["xsrf"] = s.cookie(jar, "/hub/", "_xsrf")
		if kind == "page" {
			path += separator(path) + "_xsrf=" + url.QueryEscape(s.values["xsrf"])
		}
	default:
		if s.tokens[step.caller] == "" {
			return answer{}, fmt.Errorf("%s: nobody knows the caller %q", step.at, step.caller)
		}
		header.Set("Authorization", "token "+s.tokens[step.caller])
	}
	var body io.Reader
	if step.body != nil {
		body = strings.NewReader(s.expand(*step.body))
		header.Set("Content-Type", "application/json")
	}
	for _, h := range step.header {
		if h[1] == "-" {
			header.Del(h[0])
			continue
		}
		header.Set(h[0], s.expand(h[1]))
	}
	return s.exchange(step.method, path, header, body, jar)
}

func separator(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// exchange sends a path as it is written, also one that is wrongly escaped.
func (s *side) exchange(method, path string, header http.Header, body io.Reader, jar *cookiejar.Jar) (answer, error) {
	request, err := http.NewRequest(method, s.url, body)
	if err != nil {
		return answer{}, err
	}
	request.URL.Opaque = path
	request.Header = header
	address := s.address(path)
	if jar != nil {
		for _, cookie := range jar.Cookies(address) {
			request.AddCookie(cookie)
		}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", s.name, err)
	}
	defer response.Body.Close()
	if jar != nil {
		jar.SetCookies(address, response.Cookies())
	}
	content, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, content}, err
}

// address is what a cookie jar knows of a path.
func (s *side) address(path string) *url.URL {
	address, err := url.Parse(s.url)
	if err != nil {
		panic(err) // the hub was started there
	}
	address.Path, _, _ = strings.Cut(path, "?")
	return address
}

var variable = regexp.MustCompile(`\$\{([a-z_0-9]+)\}`)

func (s *side) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(found string) string {
		if value, known := s.values[found[2:len(found)-1]]; known {
			return value
		}
		return found
	})
}

var hiddenField = regexp.MustCompile(`name="_xsrf" value="([^"]+)"`)

// session are the cookies of a user, who logs in when first asked for.
func (s *side) session(user string) (*cookiejar.Jar, error) {
	if jar := s.jars[user]; jar != nil {
		return jar, nil
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	page, err := s.exchange(http.MethodGet, "/hub/login", http.Header{}, nil, jar)
	if err != nil {
		return nil, err
	}
	field := hiddenField.FindSubmatch(page.body)
	if field == nil {
		return nil, fmt.Errorf("%s: not a login page: %d", s.name, page.status)
	}
	form := url.Values{"_xsrf": {html.UnescapeString(string(field[1]))}, "username": {user}, "password": {hubtest.Password}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {s.url}}
	in, err := s.exchange(http.MethodPost, "/hub/login", header, strings.NewReader(form.Encode()), jar)
	if err != nil || in.status != http.StatusFound {
		return nil, fmt.Errorf("%s: login of %s: %d %v", s.name, user, in.status, err)
	}
	// The page brings the token that scripts send.
	if _, err := s.exchange(http.MethodGet, "/hub/token", http.Header{}, nil, jar); err != nil {
		return nil, err
	}
	s.jars[user] = jar
	return jar, nil
}

func (s *side) cookie(jar *cookiejar.Jar, path, name string) string {
	for _, cookie := range jar.Cookies(s.address(path)) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// employ gives users API tokens, for scripts to call with.
func (s *side) employ(t *testing.T, users ...string) {
	t.Helper()
	for _, user := range users {
		body := `{"note": "of the test"}`
		made, err := s.send(step{caller: "[tokens]", method: http.MethodPost, path: "/hub/api/users/" + user + "/tokens", body: &body})
		var token struct{ Token string }
		if err == nil {
			err = json.Unmarshal(made.body, &token)
		}
		if err != nil || token.Token == "" {
			t.Fatalf("%s: token of %s: %d %s %v", s.name, user, made.status, made.body, err)
		}
		s.tokens[user] = token.Token
	}
}

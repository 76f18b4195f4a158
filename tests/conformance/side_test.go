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
	"sync"
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
	// lock guards tokens, jars and values: a step may be in the background.
	lock sync.Mutex
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
	s.lock.Lock()
	call, err := s.prepare(step)
	s.lock.Unlock()
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", step.at, err)
	}
	return s.exchange(call)
}

// call is a request to one side.
type call struct {
	method, path string
	header       http.Header
	body         io.Reader
	jar          *cookiejar.Jar
}

// prepare gives a step what the caller has, and fills in variables.
func (s *side) prepare(step step) (call, error) {
	c := call{method: step.method, header: make(http.Header)}
	err := s.identify(&c, step.caller)
	c.path = s.expand(step.path)
	if strings.HasPrefix(step.caller, "page:") {
		c.path += separator(c.path) + "_xsrf=" + url.QueryEscape(s.values["xsrf"])
	}
	if step.body != nil {
		c.body = strings.NewReader(s.expand(*step.body))
		c.header.Set("Content-Type", "application/json")
	}
	for _, h := range step.header {
		if h[1] == "-" {
			c.header.Del(h[0])
			continue
		}
		c.header.Set(h[0], s.expand(h[1]))
	}
	return c, err
}

// identify adds the credentials of a caller.
func (s *side) identify(c *call, caller string) error {
	kind, name, _ := strings.Cut(caller, ":")
	_, scoped := scopesOf(caller)
	token := ""
	switch {
	case caller == "nobody":
		return nil
	case caller == "stranger":
		token = secret("nobody has this token")
	case scoped:
		token = secret(serviceOf(caller))
	case kind == "service":
		token = secret(name)
	case kind == "cookie", kind == "page":
		var err error
		c.jar, err = s.session(name)
		if err == nil {
			s.values["xsrf"] = s.cookie(c.jar, "/hub/", "_xsrf")
		}
		return err
	default:
		token = s.tokens[caller]
		if token == "" {
			return fmt.Errorf("nobody knows the caller %q", caller)
		}
	}
	c.header.Set("Authorization", "token "+token)
	return nil
}

func separator(path string) string {
	if strings.Contains(path, "?") {
		return "&"
	}
	return "?"
}

// exchange sends a path as it is written, also one that is wrongly escaped.
func (s *side) exchange(c call) (answer, error) {
	request, err := http.NewRequest(c.method, s.url, c.body)
	if err != nil {
		return answer{}, err
	}
	request.URL.Opaque, request.Header = c.path, c.header
	if host := c.header.Get("Host"); host != "" {
		request.Host = host
	}
	address := s.address(c.path)
	if c.jar != nil {
		for _, cookie := range c.jar.Cookies(address) {
			request.AddCookie(cookie)
		}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", s.name, err)
	}
	defer response.Body.Close()
	if c.jar != nil {
		c.jar.SetCookies(address, response.Cookies())
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
	page, err := s.exchange(call{method: http.MethodGet, path: "/hub/login", header: http.Header{}, jar: jar})
	if err != nil {
		return nil, err
	}
	field := hiddenField.FindSubmatch(page.body)
	if field == nil {
		return nil, fmt.Errorf("%s: not a login page: %d", s.name, page.status)
	}
	form := url.Values{"_xsrf": {html.UnescapeString(string(field[1]))}, "username": {user}, "password": {hubtest.Password}}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {s.url}}
	in, err := s.exchange(call{http.MethodPost, "/hub/login", header, strings.NewReader(form.Encode()), jar})
	if err != nil || in.status != http.StatusFound {
		return nil, fmt.Errorf("%s: login of %s: %d %v", s.name, user, in.status, err)
	}
	// The page brings the token that scripts send.
	if _, err := s.exchange(call{method: http.MethodGet, path: "/hub/token", header: http.Header{}, jar: jar}); err != nil {
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

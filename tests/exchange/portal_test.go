package exchange_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"

	"time"
)

// portal speaks JupyterHub's forced login ("Login with a token from an external
// app"), as the application in its documentation does.
type portal struct {
	*httptest.Server
	mu     sync.Mutex
	tokens map[string]string // what each is worth, as JSON
	// sloppy portals do not take a token back when it was used.
	sloppy bool
	// status, unless zero, is the answer to every question.
	status int
	asked  []string
}

func newPortal(t *testing.T) *portal {
	t.Helper()
	p := &portal{tokens: map[string]string{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.redeem))
	t.Cleanup(p.Close)
	return p
}

func (p *portal) redeem(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var question map[string]string
	err := json.Unmarshal(body, &question)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
	w.Header().Set("Content-Type", "application/json")
	worth, known := p.tokens[question["token"]]
	switch {
	case p.status != 0:
		w.WriteHeader(p.status)
	case err != nil || len(question) != 1 || r.Method != http.MethodPost || r.URL.Path != "/login":
		w.WriteHeader(http.StatusTeapot)
	case !known:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message": "invalid token"}`)
	case worth == "expired":
		w.WriteHeader(http.StatusBadRequest)
	default:
		_, _ = io.WriteString(w, worth)
	}
	if !p.sloppy {
		delete(p.tokens, question["token"])
	}
}

// token makes a token that is worth this.
func (p *portal) token(worth string) string {
	token := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens[token] = worth
	return token
}

func (p *portal) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// directive is a hub_exchange with this portal and more words.
func (p *portal) directive(words ...string) string {
	return "hub_exchange {\n\tredeem " + p.URL + "/login\n\t" + strings.Join(words, "\n\t") + "\n\t}"
}

// sharedSecret is what signed tokens are signed with.
const sharedSecret = "a secret that portal and hub share, and nobody else"

const signing = "hub_exchange {\n\tparameter jwt\n\tjwt {\n\tkey {env.PORTAL_KEY}\n\tissuer portal\n\taudience hub\n\t}\n\t}"

// signed is a token for ada, changed by changes; nil takes a claim away.
func signed(t testing.TB, method jwt.SigningMethod, key any, changes map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := jwt.MapClaims{
		"sub": "ada", "iss": "portal", "aud": "hub", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(30 * time.Second).Unix(),
	}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	text, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// whoIs is the user that the hub takes a client for; empty for nobody.
func whoIs(t testing.TB, c *hubtest.Client) string {
	t.Helper()
	answer := c.Do(http.MethodGet, "/hub/api/user", nil)
	if answer.Status != http.StatusOK {
		return ""
	}
	var user struct{ Name string }
	answer.JSON(t, &user)
	return user.Name
}

// follow goes where redirects lead, as a browser does, and returns the last answer
// with its path. A page that waits for a server is looked at until it is over.
func follow(t testing.TB, c *hubtest.Client, path string) (hubtest.Answer, string) {
	t.Helper()
	var answer hubtest.Answer
	hubtest.Eventually(t, path+" leads somewhere", func() bool {
		for range 12 {
			answer = c.Do(http.MethodGet, path, nil, "Accept", "text/html")
			if answer.Status < 300 || answer.Status > 399 {
				break
			}
			path = answer.Header.Get("Location")
		}
		return !strings.Contains(path, "/hub/spawn-pending/") || answer.Status >= 400
	})
	return answer, path
}

package main

import (
	"crypto/rand"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"time"
)

// cookie is the name of the cookie that everybody knows.
const cookie = "org-id-token"

// service is the login service.
type service struct {
	lifetime time.Duration
	// sites are where people may be sent back to: beginnings of URLs.
	sites []string

	mu      sync.Mutex
	trouble bool
	// logins by the token that was handed out for them; a login has several.
	logins map[string]*login
	// asked is how often somebody was asked about.
	asked map[string]int
}

// login is one login of one person.
type login struct {
	name string
	// token is the newest, expires when it runs out.
	token   string
	expires time.Time
}

func newService(lifetime time.Duration, sites []string) *service {
	return &service{lifetime: lifetime, sites: sites, logins: make(map[string]*login), asked: make(map[string]int)}
}

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.show)
	mux.HandleFunc("POST /login", s.begin)
	mux.HandleFunc("GET /verify", s.verify)
	mux.HandleFunc("GET /logout", s.logout)
	mux.HandleFunc("POST /end", s.end)
	mux.HandleFunc("POST /trouble", s.disturb)
	mux.HandleFunc("GET /logins", s.count)
	return mux
}

var page = template.Must(template.New("login").Parse(`<!doctype html>
<title>Login of the organisation</title>
<h1>Login of the organisation</h1>
<form method="post" action="/login">
<input type="hidden" name="next" value="{{.}}">
<label>Name <input name="name" autofocus></label>
<button id="login">Log in</button>
</form>
`))

func (s *service) show(w http.ResponseWriter, r *http.Request) {
	_ = page.Execute(w, r.URL.Query().Get("next"))
}

// begin logs in whoever says a name: this is an example.
func (s *service) begin(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSpace(r.FormValue("name"))
	if name == "" {
		http.Error(w, "Who are you?", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	token := s.renew(&login{name: name})
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	s.sendBack(w, r)
}

// renew gives a login its next token.
func (s *service) renew(l *login) string {
	l.token, l.expires = rand.Text(), time.Now().Add(s.lifetime)
	s.logins[l.token] = l
	return l.token
}

// verify says whose cookie it is.
func (s *service) verify(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trouble {
		http.Error(w, "out of order", http.StatusServiceUnavailable)
		return
	}
	found := s.of(r)
	if found == nil {
		http.Error(w, "nobody's cookie", http.StatusUnauthorized)
		return
	}
	s.asked[found.name]++
	if !time.Now().Before(found.expires) {
		s.renew(found)
	}
	answer(w, map[string]any{
		"active": true, "name": found.name, "groups": []string{"staff"},
		"token": found.token, "expires": found.expires.UTC(),
	})
}

func (s *service) of(r *http.Request) *login {
	given, err := r.Cookie(cookie)
	if err != nil {
		return nil
	}
	return s.logins[given.Value]
}

func (s *service) logout(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if found := s.of(r); found != nil {
		s.forget(func(l *login) bool { return l == found })
	}
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1})
	s.sendBack(w, r)
}

func (s *service) end(_ http.ResponseWriter, r *http.Request) {
	name := r.FormValue("name")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(func(l *login) bool { return l.name == name })
}

func (s *service) forget(which func(*login) bool) {
	for token, l := range s.logins {
		if which(l) {
			delete(s.logins, token)
		}
	}
}

func (s *service) disturb(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = r.FormValue("on") == "true"
}

func (s *service) count(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer(w, s.asked)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// sendBack sends a browser where it came from, if that is one of the sites.
func (s *service) sendBack(w http.ResponseWriter, r *http.Request) {
	next := r.FormValue("next")
	for _, site := range s.sites {
		if strings.HasPrefix(next, site) {
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

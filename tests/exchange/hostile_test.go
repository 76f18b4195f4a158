package exchange_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// try is something that a stranger sends.
type try struct {
	method, target string
	body           any
	header         []string
	// want is the status of the answer; several if it depends on nothing that matters.
	want []int
}

func get(target string, want ...int) try {
	return try{method: http.MethodGet, target: target, want: want}
}

// TestStrangers sends what somebody without a token of the portal can send, by kind.
// Nobody of them gets a session, or is sent to another site.
func TestStrangers(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	p := newPortal(t)
	byKey := "hub_exchange {\n\tparameter pem_token\n\tjwt {\n\tkey {env.PORTAL_PEM}\n\taudience hub\n\t}\n\t}"
	hub := hubtest.Start(t, hubtest.Options{
		Admins: []string{"ada"}, Site: p.directive() + "\n" + signing + "\n" + byKey,
		Environment: []string{"PORTAL_KEY=" + sharedSecret, "PORTAL_PEM=" + string(public)},
	})
	s := strangers{t: t, hub: hub, portal: p, rsa: key, public: public, api: hub.Token("ada")}
	counts := map[string]int{}
	for kind, tries := range s.all() {
		for i, try := range tries {
			client := hub.Anonymous()
			answer := client.Do(try.method, try.target, try.body, try.header...)
			counts[kind]++
			if !slices.Contains(try.want, answer.Status) {
				t.Errorf("%s %d: %s %.80s: %s, want %v", kind, i, try.method, try.target, answer, try.want)
			}
			if client.Cookie("/", "caddyhub-session") != nil {
				t.Errorf("%s %d: %s %.80s: let in", kind, i, try.method, try.target)
			}
			if to := answer.Header.Get("Location"); strings.Contains(strings.Split(to, "?")[0], "evil") || strings.HasPrefix(to, "//") {
				t.Errorf("%s %d: sent to %s", kind, i, to)
			}
		}
	}
	total := 0
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		total += counts[kind]
		t.Logf("%-24s %3d refused", kind, counts[kind])
	}
	t.Logf("%-24s %3d", "all", total)
	// After all that the door still opens for those who may.
	if ada := hub.Anonymous(); ada.Do(http.MethodGet, "/hub/home?login_token="+p.token(`{"name": "ada"}`), nil).Status != http.StatusSeeOther || whoIs(t, ada) != "ada" {
		t.Error("ada is not let in any more")
	}
}

type strangers struct {
	t      *testing.T
	hub    *hubtest.Hub
	portal *portal
	rsa    *rsa.PrivateKey
	public []byte
	api    string
}

func (s *strangers) all() map[string][]try {
	return map[string][]try{
		"bad signature":      s.signatures(),
		"alg none":           s.none(),
		"HS/RS confusion":    s.confusion(),
		"expired, too long":  s.times(),
		"audience, issuer":   s.parties(),
		"replay":             s.replays(),
		"malformed, huge":    s.malformed(),
		"unknown token":      s.unknown(),
		"open redirect":      s.redirects(),
		"not a page":         s.subresources(),
		"methods":            s.methods(),
		"paths":              s.paths(),
		"two tokens":         s.several(),
		"claims out of line": s.claims(),
	}
}

func (s *strangers) hs(changes map[string]any) string {
	return signed(s.t, jwt.SigningMethodHS256, []byte(sharedSecret), changes)
}

func (s *strangers) signatures() []try {
	good := s.hs(nil)
	dot := strings.LastIndex(good, ".")
	var tries []try
	for _, token := range []string{
		good[:dot+1], good[:dot], good[:len(good)-3] + "AAA", good + "A", good + "=", good + ".", good[dot:] + good[:dot],
		signed(s.t, jwt.SigningMethodHS256, []byte("another secret that is long enough"), nil),
		signed(s.t, jwt.SigningMethodHS512, []byte("another secret that is long enough"), nil),
		signed(s.t, jwt.SigningMethodHS256, []byte(""), nil),
		signed(s.t, jwt.SigningMethodRS256, s.rsa, nil),
	} {
		tries = append(tries, get("/hub/home?jwt="+url.QueryEscape(token), 403))
	}
	return tries
}

func (s *strangers) none() []try {
	claims := fmt.Sprintf(`{"sub":"ada","iss":"portal","aud":"hub","jti":"1","exp":%d}`, time.Now().Add(20*time.Second).Unix())
	var tries []try
	for _, algorithm := range []string{"none", "None", "NONE", "nOnE", "", "null", "HS256 ", "hs256"} {
		for _, parameter := range []string{"jwt", "pem_token"} {
			encode := base64.RawURLEncoding.EncodeToString
			token := encode([]byte(`{"alg":"`+algorithm+`","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "."
			tries = append(tries, get("/hub/home?"+parameter+"="+token, 403))
		}
	}
	return tries
}

func (s *strangers) confusion() []try {
	var tries []try
	for _, secret := range [][]byte{s.public, []byte(strings.TrimSpace(string(s.public))), s.rsa.N.Bytes()} {
		for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
			tries = append(tries, get("/hub/home?pem_token="+signed(s.t, method, secret, nil), 403))
		}
	}
	return append(tries, get("/hub/home?jwt="+signed(s.t, jwt.SigningMethodPS256, s.rsa, nil), 403))
}

func (s *strangers) times() []try {
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	var tries []try
	for _, changes := range []map[string]any{
		{"exp": at(-time.Minute), "iat": at(-2 * time.Minute)}, {"exp": nil}, {"exp": "never"}, {"exp": 0}, {"exp": -1}, {"exp": 1e18}, {"exp": 1e300},
		{"exp": at(2 * time.Minute)}, {"exp": at(50 * time.Second), "iat": at(-time.Hour)}, {"exp": at(365 * 24 * time.Hour), "iat": nil},
		{"iat": at(time.Minute), "exp": at(2 * time.Minute)}, {"nbf": at(time.Minute)}, {"iat": "now"},
	} {
		tries = append(tries, get("/hub/home?jwt="+s.hs(changes), 403))
	}
	return tries
}

func (s *strangers) parties() []try {
	var tries []try
	for _, changes := range []map[string]any{
		{"aud": "shop"}, {"aud": nil}, {"aud": []string{}}, {"aud": []string{"shop", "hubs"}}, {"aud": "hub "}, {"aud": "HUB"}, {"aud": 1}, {"aud": map[string]any{"hub": true}},
		{"iss": "shop"}, {"iss": nil}, {"iss": []string{"portal"}}, {"iss": "portal "},
	} {
		tries = append(tries, get("/hub/home?jwt="+s.hs(changes), 403))
	}
	return tries
}

// replays are tokens that somebody has used before.
func (s *strangers) replays() []try {
	token := s.hs(map[string]any{"jti": "once"})
	opaque := s.portal.token(`{"name": "ada"}`)
	for _, target := range []string{"/hub/home?jwt=" + token, "/hub/home?login_token=" + opaque} {
		if answer := s.hub.Anonymous().Do(http.MethodGet, target, nil); answer.Status != http.StatusSeeOther {
			s.t.Fatalf("the first time: %s", answer)
		}
	}
	return []try{
		get("/hub/home?jwt="+token, 403), get("/user/ada/?jwt="+token, 403),
		get("/hub/home?jwt="+s.hs(map[string]any{"jti": "once", "sub": "grace"}), 403),
		{http.MethodPost, "/hub/home", url.Values{"jwt": {token}}, nil, []int{403}},
		get("/hub/home?login_token="+opaque, 403), get("/hub/login?login_token="+opaque, 403),
		{http.MethodPost, "/hub/login", url.Values{"login_token": {opaque}}, nil, []int{403}},
	}
}

func (s *strangers) malformed() []try {
	var tries []try
	for _, token := range []string{
		"", ".", "..", "...", "a.b.c", "%00", "%0d%0aSet-Cookie:%20x=y", "%ff%fe", "%zz", "%F0%9F%98%80", "[object%20Object]", strings.Repeat("x", 9000), strings.Repeat(".", 5000),
		base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("[", 3000))) + ".x",
	} {
		tries = append(tries, get("/hub/home?jwt="+token, 403), get("/hub/home?login_token="+token, 403))
	}
	return append(tries, try{http.MethodPost, "/hub/login", url.Values{"login_token": {strings.Repeat("x", 40_000)}}, nil, []int{403}})
}

// unknown are tokens of something else: of the hub's API, for example.
func (s *strangers) unknown() []try {
	return []try{
		get("/hub/home?login_token="+s.api, 403), get("/hub/home?jwt="+s.api, 403), get("/hub/home?login_token="+s.hs(nil), 403),
		get("/hub/home?login_token=guess", 403), get("/hub/home?pem_token="+s.hs(nil), 403),
	}
}

// redirects come with tokens that are good, so that they are let in, if at all, to
// the right place: each is refused as an address.
func (s *strangers) redirects() []try {
	var tries []try
	for _, path := range []string{
		"//evil.example.org/", "///evil.example.org/", "/%2F/evil.example.org", "/%5Cevil.example.org/", "/..//evil.example.org/", "/%2e%2e//evil.example.org/",
		"/.//evil.example.org", "/hub/..%2f/evil.example.org",
	} {
		token := s.portal.token(`{"name": "ada"}`)
		tries = append(tries, try{http.MethodGet, s.hub.URL + path + "?login_token=" + token, nil, nil, []int{400}})
	}
	return tries
}

func (s *strangers) subresources() []try {
	var tries []try
	for _, header := range [][]string{
		{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, {"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"}, {"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"},
		{"Sec-Fetch-Mode", "same-origin"}, {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "embed"}, {"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, {"Sec-Fetch-Mode", "websocket"},
	} {
		tries = append(tries, try{http.MethodGet, "/hub/home?login_token=" + s.portal.token(`{"name": "ada"}`), nil, header, []int{403}})
	}
	for _, header := range [][]string{{"Sec-Purpose", "prefetch"}, {"Purpose", "prefetch"}, {"X-Moz", "prefetch"}, {"User-Agent", "Slackbot 1.0"}, {"User-Agent", "TelegramBot (like TwitterBot)"}} {
		tries = append(tries, try{http.MethodGet, "/hub/home?login_token=" + s.portal.token(`{"name": "ada"}`), nil, header, []int{204}})
	}
	return append(tries, try{http.MethodHead, "/hub/home?login_token=" + s.portal.token(`{"name": "ada"}`), nil, nil, []int{204}})
}

func (s *strangers) methods() []try {
	var tries []try
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "PROPFIND", "get"} {
		tries = append(tries, try{method, "/hub/home?login_token=" + s.portal.token(`{"name": "ada"}`), nil, nil, []int{400, 403, 405}})
	}
	return tries
}

func (s *strangers) paths() []try {
	var tries []try
	for _, path := range []string{"/user/ada/../eve/", "/user/ada/%2e%2e/eve/", "/user/ada/%252e%252e/x", "/user//ada/", "/user/ada%2feve/", "/user/ada;x/", "/hub/home%00"} {
		tries = append(tries, try{http.MethodGet, s.hub.URL + path + "?login_token=" + s.portal.token(`{"name": "ada"}`), nil, nil, []int{400}})
	}
	return tries
}

func (s *strangers) several() []try {
	good := func() string { return s.portal.token(`{"name": "ada"}`) }
	return []try{
		get("/hub/home?login_token="+good()+"&login_token=x", 400), get("/hub/home?login_token=x&login_token="+good(), 400),
		get("/hub/home?login_token="+good()+"&login_token=", 400), get("/hub/home?login_token="+good()+"&login%5ftoken="+good(), 400),
		{http.MethodPost, "/hub/login?login_token=" + good(), url.Values{"login_token": {"x"}}, nil, []int{400}},
	}
}

// claims are of a portal that has gone wrong, or of somebody who found a way to have
// it say things.
func (s *strangers) claims() []try {
	var tries []try
	for _, worth := range []string{
		`{}`, `[]`, `null`, `"ada"`, `{"name": null}`, `{"name": ""}`, `{"name": {"$ne": ""}}`, `{"name": ["ada"]}`, `{"name": true}`, `{"name": ".."}`, `{"name": "a/b"}`,
		`{"name": "a\u0000b"}`, `{"name": "ada\n"}`, `{"name": "` + strings.Repeat("a", 300) + `"}`, `{"name": "ada", "scopes": null}`, `{"name": "ada", "scopes": 1}`,
		`{"name": "ada", "scopes": ["everything"]}`, `{"name": "ada", "server": 7}`, `{"name": "ada", "server": "../x"}`, `{"name": "ada", "next": {}}`, `{"name": "ada"} x`,
	} {
		tries = append(tries, get("/hub/home?login_token="+s.portal.token(worth), 403, 503))
	}
	return tries
}

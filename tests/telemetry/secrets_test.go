package telemetry_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// entries are the lines of a log file.
func entries(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(string(text)) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, entry)
	}
	return all
}

// logged is a hub that logs requests and changes to files of their own.
func logged(t *testing.T) (h *hubtest.Hub, requests, changes string) {
	t.Helper()
	folder := t.TempDir()
	requests, changes = filepath.Join(folder, "access.log"), filepath.Join(folder, "audit.log")
	h = hubtest.Start(t, hubtest.Options{
		Admins: []string{"root"}, NamedServers: true,
		Global: "log audit {\n\t\toutput file " + changes + "\n\t\tinclude caddyhub.audit\n\t}",
		Site:   "log {\n\t\toutput file " + requests + "\n\t}",
	})
	return h, requests, changes
}

// TestNoSecretIsLogged does everything that has to do with a credential, and then
// looks for each of them in every log there is.
func TestNoSecretIsLogged(t *testing.T) {
	h, requests, changes := logged(t)
	secrets := map[string]string{"password": hubtest.Password, "another password": "swordfish-mistake"}
	h.Anonymous().SubmitLogin("ada", secrets["another password"])
	ada := h.LogIn("ada")
	ada.Do(http.MethodGet, "/hub/home", nil)
	for _, name := range []string{"caddyhub-session", "_xsrf"} {
		if cookie := ada.Cookie("/hub/", name); cookie != nil {
			secrets["cookie "+name] = cookie.Value
			if _, secret, ok := strings.Cut(cookie.Value, "."); ok && name == "caddyhub-session" {
				secrets["secret in cookie "+name] = secret
			}
		} else {
			t.Fatalf("no cookie %s", name)
		}
	}
	root := h.API(h.Token("root"))
	var made struct{ Token string }
	root.Do(http.MethodPost, "/hub/api/users/ada/tokens", map[string]any{"note": "mine"}).JSON(t, &made)
	secrets["token"] = made.Token
	root.StartServer("ada", "")
	ada.Do(http.MethodGet, "/user/ada/api/status", nil)
	if visitor := ada.Cookie("/user/ada/", "_xsrf"); visitor != nil {
		secrets["_xsrf of the server"] = visitor.Value
	}
	for name, path := range map[string]string{
		"in the query of a server":      "/user/ada/api/contents?token=" + made.Token,
		"in the query of a page":        "/hub/home?token=" + made.Token,
		"within next":                   "/hub/login?next=" + url.QueryEscape("/user/ada/lab?token="+made.Token),
		"in a deprecated path":          "/hub/api/authorizations/token/" + made.Token,
		"in the query of the API":       "/hub/api/users?access_token=" + made.Token,
		"in the query, in other words":  "/hub/home?%74oken=" + made.Token,
		"of somebody who is logged out": "/user/bob/?token=" + made.Token,
	} {
		for _, client := range []*hubtest.Client{ada, h.Anonymous(), h.API(made.Token)} {
			if answer := client.Do(http.MethodGet, path, nil, "Referer", h.URL+"/x?token="+made.Token, "X-Auth-Token", made.Token); answer.Status == 0 {
				t.Errorf("%s: no answer", name)
			}
		}
	}
	secrets["state"], secrets["code"] = "state-0123456789abcdef", "code-0123456789abcdef"
	query := "?client_id=jupyterhub-user-ada&response_type=code&state=" + secrets["state"]
	granted := ada.Do(http.MethodGet, "/hub/api/oauth2/authorize"+query, nil)
	if to, err := url.Parse(granted.Header.Get("Location")); err != nil || to.Query().Get("code") == "" {
		t.Errorf("no code: %s", granted)
	} else {
		secrets["OAuth code"] = to.Query().Get("code")
		ada.Do(http.MethodGet, to.RequestURI(), nil)
	}
	ada.Do(http.MethodGet, "/hub/oauth_callback?code="+secrets["code"]+"&state="+secrets["state"], nil)
	if socket, answer, err := h.API(made.Token).WebSocket("/user/ada/api/events/subscribe?token=" + made.Token); err != nil {
		t.Errorf("no WebSocket: %v %s", err, answer)
	} else {
		_ = socket.CloseNow() // its entry is written when it ends
	}
	ada.Do(http.MethodGet, "/hub/logout", nil)
	h.Stop()

	logs := map[string]string{"hub": h.Log(), "servers": h.ServerLog()}
	for name, path := range map[string]string{"requests": requests, "changes": changes} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		logs[name] = string(text)
	}
	delete(logs, "servers") // which jupyterhub-singleuser writes
	for what, secret := range secrets {
		for name, text := range logs {
			for _, form := range []string{secret, url.QueryEscape(secret)} {
				if at := strings.Index(text, form); at >= 0 && secret != "" {
					t.Errorf("the %s is in the log of the %s: …%s…", what, name, text[max(0, at-400):min(len(text), at+100)])
					break
				}
			}
		}
	}
	masked := 0
	for _, entry := range entries(t, requests) {
		request, _ := entry["request"].(map[string]any)
		uri, _ := request["uri"].(string)
		if strings.Contains(uri, "[secret]") || strings.Contains(uri, "%5Bsecret%5D") {
			masked++
		}
		for _, field := range []string{"status", "duration", "size", "bytes_read", "user_id", "resp_headers", "level", "msg", "logger"} {
			if _, has := entry[field]; !has {
				t.Errorf("an entry has no %s: %v", field, entry)
			}
		}
		if !strings.HasPrefix(entry["logger"].(string), "http.log.access") || entry["msg"] != "handled request" || request["client_ip"] != "127.0.0.1" {
			t.Errorf("not like Caddy's: %v", entry)
		}
	}
	if masked < 15 {
		t.Errorf("%d entries with something hidden: requests are missing", masked)
	}
}

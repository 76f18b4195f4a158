package clients_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

// serverModel is what the API tells an administrator about a server.
type serverModel struct {
	LastActivity time.Time       `json:"last_activity"`
	UserOptions  json.RawMessage `json:"user_options"`
	State        struct {
		IP   string
		Port int
	}
}

func defaultServer(t *testing.T, api *hubtest.Client, user string) serverModel {
	t.Helper()
	var model struct {
		Servers map[string]serverModel
	}
	answer := api.Do(http.MethodGet, "/hub/api/users/"+url.PathEscape(user)+"?include_stopped_servers", nil)
	if answer.Status != http.StatusOK {
		t.Fatalf("user %s: %s", user, answer)
	}
	answer.JSON(t, &model)
	return model.Servers[""]
}

// TestActivityReports: what jupyterhub-singleuser reports is what the hub knows.
// The work is done past the hub, at the server's own port, so that nothing but a
// report can tell of it.
func TestActivityReports(t *testing.T) {
	hub := hubtest.Start(t, hubtest.Options{
		Admins: []string{"grace"}, Spawner: "environment JUPYTERHUB_ACTIVITY_INTERVAL 1",
	})
	grace := hub.API(hub.Token("grace"))
	hub.LogIn("ada")
	grace.StartServer("ada", "")
	token := hub.Token("ada")
	before := defaultServer(t, grace, "ada")
	address := fmt.Sprintf("http://%s:%d/user/ada/api/", before.State.IP, before.State.Port)

	// The clock of the reports is that of the server, which counts milliseconds.
	begun := time.Now().Truncate(time.Millisecond)
	if !before.LastActivity.Before(begun) {
		t.Fatalf("before any work the last activity is %v, now it is %v", before.LastActivity, begun)
	}
	past(t, address+"contents", token)
	var status struct {
		LastActivity time.Time `json:"last_activity"`
	}
	if err := json.Unmarshal(past(t, address+"status", token), &status); err != nil {
		t.Fatal(err)
	}
	if status.LastActivity.Before(begun) {
		t.Fatalf("the server counts %v as its last activity, the work was at %v", status.LastActivity, begun)
	}
	hubtest.Eventually(t, "the hub knows of the last activity that the server knows of", func() bool {
		known := defaultServer(t, grace, "ada").LastActivity
		return known.Truncate(time.Second).Equal(status.LastActivity.Truncate(time.Second)) && !known.Before(begun)
	})
}

// past asks a server itself, not by way of the hub.
func past(t *testing.T, address, token string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v\n%s", address, response.StatusCode, err, body)
	}
	return body
}

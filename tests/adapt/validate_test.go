package adapt_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// elsewhere is what the placeholders of the examples stand for. Nobody listens
// at the address.
var elsewhere = []string{
	"REDIS_URL=redis://127.0.0.1:1/0",
	"CADDYHUB_SECRET=0123456789abcdef0123456789abcdef",
	"PORTAL_TOKEN=0123456789abcdef",
	"USER_PASSWORD=a password for users",
	"ADMIN_PASSWORD=a much longer password for administrators",
}

// notInEveryBuild are examples of what needs a build tag, and what other builds say.
var notInEveryBuild = map[string]string{"authenticator-pam": `this program was built without PAM; build it with the tag "pam"`}

// TestValidate validates every example that adapts, with and without the
// variables it names, in an empty home: neither network nor Redis nor a file may
// be needed, and none may be made.
func TestValidate(t *testing.T) {
	t.Parallel()
	for _, example := range examples(t) {
		if example.mistake() {
			continue
		}
		t.Run(example.name, func(t *testing.T) {
			t.Parallel()
			environments := [][]string{nil}
			if strings.Contains(example.caddyfile, "{env.") {
				environments = append(environments, elsewhere)
			}
			for _, environment := range environments {
				_, err := run(t, "Caddyfile", example.caddyfile, environment, "validate", "--config", "Caddyfile")
				if lacks := notInEveryBuild[example.name]; err != nil && (lacks == "" || !strings.Contains(err.Error(), lacks)) {
					t.Errorf("with %d variables: %v", len(environment), err)
				}
			}
		})
	}
}

// hub is a configuration in JSON; %s is more of the app.
const hub = `{"apps":{"caddyhub":{"authenticators":[{"type":"dummy"}],"spawner":{"type":"process"}%s}}}`

// TestMistakesInJSON are mistakes that a Caddyfile cannot have, or that can only
// be found when all of it is known.
func TestMistakesInJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ more, want string }{
		"unknown field":             {`"sesion":{}`, `unknown field "sesion"`},
		"unknown field of a block":  {`"session":{"idle":"8h"}`, `unknown field "idle"`},
		"unknown field of a guest":  {`"store":{"type":"redis","adress":"x"}`, `unknown field "adress"`},
		"number for a duration":     {`"session":{"idle_timeout":28800}`, `duration "28800" has no unit: write 28800s`},
		"number in a string":        {`"token":{"oauth_lifetime":"1"}`, `duration "1" has no unit: write 1s for seconds`},
		"no duration":               {`"servers":{"start_timeout":true}`, `"true" is not a duration`},
		"zero duration":             {`"session":{"idle_timeout":"0s"}`, `duration "0s" is zero`},
		"unknown store":             {`"store":{"type":"mysql"}`, `caddyhub.stores.mysql`},
		"text for a number":         {`"limits":{"active_servers":"3"}`, `active_servers`},
		"public_url without scheme": {`"public_url":"hub.example.org"`, `public_url "hub.example.org" is not an origin; write scheme and host, such as https://hub.example.org`},
		"api_url with a path":       {`"api_url":"http://10.0.0.1:8081/hub"`, `api_url "http://10.0.0.1:8081/hub" is not an origin`},
		"public_url with a user":    {`"public_url":"https://ada:pw@hub.example.org"`, "is not an origin"},
		"base_url with dots":        {`"base_url":"/a/../b/"`, "base_url"},
		"pattern":                   {`"username_pattern":"["`, "missing closing ]"},
		"name of a role":            {`"roles":[{"name":"A"}]`, `role "A": a name has 3 to 255 lower-case letters`},
		"role given twice":          {`"roles":[{"name":"readers"},{"name":"readers"}]`, `role "readers" is given twice`},
		"unknown scope":             {`"roles":[{"name":"readers","scopes":["read:user"]}]`, `role "readers": `},
		"scopes of admin":           {`"roles":[{"name":"admin","scopes":["self"]}]`, `the scopes of the role "admin" cannot be changed`},
		"role of no service":        {`"roles":[{"name":"readers","services":["cull"]}]`, `there is no service "cull"; add a service block with that name`},
		"group given twice":         {`"groups":[{"name":"physics"},{"name":"physics"}]`, `group "physics" is given twice`},
		"group without a name":      {`"groups":[{"name":""}]`, "group without a name"},
		"service given twice":       {`"services":[{"name":"cull"},{"name":"cull"}]`, `service "cull" is given twice`},
		"service without a name":    {`"services":[{"name":""}]`, `a name has no slash and is not empty`},
		"service with a slash":      {`"services":[{"name":"a/b"}]`, `a name has no slash and is not empty`},
		"short token of a service":  {`"services":[{"name":"cull","api_token":"abc"}]`, `service "cull": api_token is shorter than 8 characters`},
		"service at a path":         {`"services":[{"name":"cull","url":"http://127.0.0.1:9/x"}]`, `service "cull": url "http://127.0.0.1:9/x" is not an origin`},
		"scope of one's own":        {`"custom_scopes":[{"name":"mine:read","description":"x"}]`, "custom_scope"},
		"custom scope given twice":  {`"custom_scopes":[{"name":"custom:a","description":"x"},{"name":"custom:a","description":"y"}]`, `custom_scope "custom:a" is given twice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := strings.Replace(hub, "%s", ","+test.more, 1)
			_, err := run(t, "caddy.json", config, nil, "validate", "--config", "caddy.json")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v\nwant one with %s", err, test.want)
			}
		})
	}
}

// TestIncomplete are configurations that lack what a hub cannot do without.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		strings.Replace(hub, "%s", "", 1):                                                      "",
		`{"apps":{"caddyhub":{"spawner":{"type":"process"}}}}`:                                 "no authenticator: nobody could log in",
		`{"apps":{"caddyhub":{"authenticators":[{"type":"dummy"}]}}}`:                          "no spawner: nothing could start servers",
		strings.Replace(hub, "%s", `,"store":{"path":"x"}`, 1):                                 "type",
		`{"apps":{"http":{"servers":{"a":{"routes":[{"handle":[{"handler":"hub_auth"}]}]}}}}}`: `hub_auth: no hub is configured; add the global option "caddyhub { ... }"`,
	} {
		_, err := run(t, "caddy.json", config, nil, "validate", "--config", "caddy.json")
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", config, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want one with %s", config, err, want)
		}
	}
}

// TestGateOfNothing: a gate says whether it is in front of servers or of an app. One
// that has lost its rules must not become the other, which opens more.
func TestGateOfNothing(t *testing.T) {
	t.Parallel()
	for gate, want := range map[string]string{
		`{"handler":"hub_auth"}`:                                                       "nobody may pass",
		`{"handler":"hub_auth","servers":false}`:                                       "nobody may pass",
		`{"handler":"hub_auth","servers":true}`:                                        "",
		`{"handler":"hub_auth","servers":true,"allow":"anonymous"}`:                    "an app needs a gate of its own",
		`{"handler":"hub_auth","servers":true,"handover_only":true}`:                   "there is nothing else to say",
		`{"handler":"hub_auth","token_in_url":[{"mode":"persist"}]}`:                   "nobody may pass",
		`{"handler":"hub_auth","users":["ada"],"token_in_url":[{"mode":"persist"}]}`:   "persist is for servers and services",
		`{"handler":"hub_auth","users":["ada"],"token_in_url":[{"mode":"off"}]}`:       "",
		`{"handler":"hub_auth","users":["ada"],"token_in_url":[null]}`:                 "token_in_url 1 is null",
		`{"handler":"hub_forward_auth","name":"a","allow":"authenticated","jwt":{}}`:   "jwt needs an audience",
		`{"handler":"hub_auth","handover_only":true}`:                                  "",
		`{"handler":"hub_auth","allow":"authenticated"},{"handler":"static_response"}`: "",
	} {
		var config map[string]map[string]any
		if err := json.Unmarshal([]byte(strings.Replace(hub, "%s", "", 1)), &config); err != nil {
			t.Fatal(err)
		}
		config["apps"]["http"] = json.RawMessage(`{"servers":{"a":{"listen":["127.0.0.1:0"],"routes":[{"match":[{"host":["app.example"]}],"handle":[` + gate + `]}]}}}`)
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = run(t, "caddy.json", string(text), nil, "validate", "--config", "caddy.json")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want one with %q", gate, err, want)
		}
	}
}

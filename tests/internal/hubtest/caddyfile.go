package hubtest

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// caddyfile of a hub. The values are trusted: they come from the test. Servers
// have more time than by default, because many may start at once.
var caddyfile = template.Must(template.New("Caddyfile").Parse(`{
	admin unix/{{.Folder}}/admin.sock|0600
	storage file_system {{.Folder}}/caddy
	persist_config off
	grace_period 2s
	skip_install_trust
	auto_https disable_redirects
	{{.Global}}

	caddyhub {
		{{- if .Redis}}
		store redis {
			url {{.Redis}}
		}
		{{- else}}
		store embedded {
			path {{.Folder}}/caddyhub.db
		}
		{{- end}}
		{{.Authenticator}}
		allow all
		{{- with .Admins}}
		admins {{.}}
		{{- end}}
		spawner process {
			home {{.Homes}}/{username}
			log_dir {{.Folder}}/log
			allow_root
			start_timeout 3m
			{{- if not .OwnTimeout}}
			http_timeout 3m
			{{- end}}
			{{.Spawner}}
		}
		{{- if .NamedServers}}
		named_servers
		{{- end}}
		public_url {{.PublicURL}}
		api_url {{.APIURL}}
		{{.Hub}}
	}
}

{{.Site}} {
	bind 127.0.0.1
	{{- if .TLS}}
	tls internal
	{{- end}}
	{{.InSite}}
	hub{{with .Directive}} {
		{{.}}
	}{{end}}
}
{{.More}}
`))

// dummy is the authenticator that hubs have by default.
const dummy = "authenticator dummy {\n\t\t\tpassword \"" + Password + "\"\n\t\t}"

// Caddyfile is what the options of the hub amount to.
func (h *Hub) Caddyfile() string {
	h.t.Helper()
	values := map[string]any{
		"Folder":        h.folder,
		"Homes":         h.options.Homes,
		"Authenticator": h.options.Authenticator,
		"Admins":        strings.Join(h.options.Admins, " "),
		"Spawner":       h.options.Spawner,
		"OwnTimeout":    strings.Contains(h.options.Spawner, "http_timeout"),
		"NamedServers":  h.options.NamedServers,
		"PublicURL":     h.URL,
		"APIURL":        h.APIURL(),
		"Hub":           h.options.Hub,
		"Site":          h.site(),
		"TLS":           h.options.HTTPS,
		"InSite":        h.options.Site,
		"Directive":     h.options.Directive,
		"More":          h.options.More,
		"Global":        h.options.Global,
	}
	if h.options.Authenticator == "" {
		values["Authenticator"] = dummy
	}
	if h.options.Redis != nil {
		values["Redis"] = h.options.Redis.URL()
	}
	var text strings.Builder
	if err := caddyfile.Execute(&text, values); err != nil {
		h.t.Fatalf("hubtest: %v", err)
	}
	return text.String()
}

// site are the addresses of the site in the Caddyfile.
func (h *Hub) site() string {
	_, port, _ := strings.Cut(h.Address(), ":")
	var addresses []string
	for _, host := range h.hosts() {
		addresses = append(addresses, h.scheme()+"://"+host+":"+port)
	}
	return strings.Join(addresses, ", ")
}

func (h *Hub) caddyfilePath() string { return filepath.Join(h.folder, "Caddyfile") }

func (h *Hub) writeCaddyfile(text string) {
	h.t.Helper()
	if err := os.WriteFile(h.caddyfilePath(), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

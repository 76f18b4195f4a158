package app

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("caddyhub", parseGlobalOption)
}

func parseGlobalOption(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // the word caddyhub
		return nil, d.Err("caddyhub: the block is given twice")
	}
	app := new(App)
	if err := app.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "caddyhub", Value: caddyconfig.JSON(app, nil)}, nil
}

// UnmarshalCaddyfile reads the global option. Syntax:
//
//	caddyhub {
//		store embedded|redis { ... }
//		authenticator <type> [<name>] { ... }
//		allow all | allow <users...>
//		admins <users...>
//		blocked <users...>
//		allow_group <groups...>
//		allow_existing_users on|off
//		username_pattern <regexp>
//		username_map <external name> <user>
//		spawner <name> {
//			start_timeout <duration>
//			http_timeout <duration>
//			poll_interval <duration>
//			environment <name> <value>
//			default_url <path>
//			notebook_dir <path>
//			oauth_client_allowed_scopes <scopes...>
//			server_token_scopes <scopes...>
//			mem_limit <size>
//			mem_guarantee <size>
//			cpu_limit <cores>
//			cpu_guarantee <cores>
//			option <name> {
//				label <text>
//				help <text>
//				type select|radio|text|textarea|number|checkbox
//				choices <values...>
//				choice <value> [<label>] { help <text>; groups <groups...>; <overrides> }
//				default <value>
//				required
//				pattern <regexp>
//				max_length <number>
//				placeholder <text>
//				min <number>
//				max <number>
//				step <number>|any
//				<overrides>
//			}
//			options_form <html>|{file.<path>}
//			options_from_form passthrough|simple
//			group_override <name> { groups <groups...>; <overrides> }
//			...
//		}
//		named_servers { limit_per_user <number> }
//		session {
//			idle_timeout <duration>
//			max_lifetime <duration>
//			refresh <duration>|off
//			refresh_grace <duration>|off
//			refresh_pre_spawn
//		}
//		token { max_lifetime <duration>; oauth_lifetime <duration> }
//		login_limits { user <attempts> [<duration>]|off; network <attempts> [<duration>]|off; global <attempts> [<duration>]|off }
//		limits { concurrent_spawns <number>|unlimited; active_servers <number> }
//		role <name> { description <text>; scopes <scopes...>; users <names...>; groups <names...>; services <names...> }
//		group <name> { users <names...>; property <key> <value> }
//		service <name> {
//			api_token <token>
//			url <url>
//			public
//			admin
//			display on|off
//			info <key> <value>
//			oauth_client_id <id>
//			oauth_redirect_uri <url>
//			oauth_client_allowed_scopes <scopes...>
//			oauth_no_confirm
//			command <words...>
//			cwd <folder>
//			environment <name> <value>
//			user <account>
//		}
//		service_check_interval <duration>|off
//		cull {
//			idle <duration>
//			idle_by activity|interaction
//			max_age <duration>
//			interval <duration>
//			default_servers stop|keep
//			named_servers stop|remove|keep
//			users keep|delete
//			admin_users keep|delete
//			concurrency <number>
//		}
//		authenticate_prometheus on|off
//		allow_websocket_cookie_auth on|off
//		custom_scope <name> { description <text>; subscopes <scopes...> }
//		pages { title <text>; announcement <html>; logo <file>; templates <folder> }
//		public_url <url>
//		subdomains <host>
//		base_url <path>
//		api_url <url>
//		api_listen <address>
//		default_url <path>
//	}
//
// Overrides are environment (also with -NAME), default_url, notebook_dir,
// start_timeout, http_timeout, mem_limit, mem_guarantee, cpu_limit and
// cpu_guarantee, and the words of the spawner that may differ between servers.
// In those of an option, {value} stands for what was chosen.
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the word caddyhub
	if err := words.None(d); err != nil {
		return err
	}
	known := a.words()
	other := func(d *caddyfile.Dispenser) error { return unknownWord(d, known) }
	if err := words.BlockOr(d, "caddyhub", known, other); err != nil {
		return err
	}
	if err := a.complete(); err != nil {
		return d.WrapErr(err)
	}
	return a.checkCaddyfile()
}

// words are all words of the block.
func (a *App) words() map[string]words.Word {
	known := a.identityWords()
	for name, word := range a.serverWords() {
		known[name] = word
	}
	known["store"] = words.Many(a.parseStore)
	known["cull"] = words.Once(a.parseCull)
	known["authenticate_prometheus"] = words.ToSwitch(&a.AuthenticatePrometheus)
	known["allow_websocket_cookie_auth"] = words.ToSwitch(&a.AllowWebSocketCookieAuth)
	known["pages"] = words.Once(a.parsePages)
	known["public_url"] = words.ToText(&a.PublicURL)
	known["subdomains"] = words.Once(a.parseSubdomains)
	known["base_url"] = words.ToText(&a.BaseURL)
	known["api_url"] = words.ToText(&a.APIURL)
	known["api_listen"] = words.ToText(&a.APIListen)
	known["default_url"] = words.ToText(&a.DefaultURL)
	known["default_target"] = words.ToText(&a.DefaultTarget)
	return known
}

// identityWords are the words about who may come in and do what.
func (a *App) identityWords() map[string]words.Word {
	return map[string]words.Word{
		"authenticator": words.Many(a.parseAuthenticator),
		"login_limits":  words.Once(a.parseLoginLimits),
		"allow":         words.Many(a.parseAllow),
		"allow_group":   words.ToTexts(&a.AllowGroups),

		"allow_existing_users": words.ToSwitch(&a.AllowExistingUsers),

		"admins":           words.ToTexts(&a.Admins),
		"blocked":          words.ToTexts(&a.Blocked),
		"username_pattern": words.ToText(&a.UsernamePattern),
		"username_map":     words.Many(a.parseUsernameMap),
		"session":          words.Once(a.parseSession),
		"token":            words.Once(a.parseToken),
		"role":             words.Many(a.parseRole),
		"group":            words.Many(a.parseGroup),
		"service":          words.Many(a.parseService),
		"custom_scope":     words.Many(a.parseCustomScope),

		"service_check_interval": words.Once(a.parseServiceCheckInterval),
	}
}

// serverWords are the words about single-user servers.
func (a *App) serverWords() map[string]words.Word {
	return map[string]words.Word{
		"spawner":       words.Many(a.parseSpawner),
		"named_servers": words.Once(a.parseNamedServers),
		"limits":        words.Once(a.parseLimits),
	}
}

func (a *App) parseStore(d *caddyfile.Dispenser) error {
	if a.StoreRaw != nil {
		return d.Err("caddyhub: a hub has one store; remove one of the store lines")
	}
	raw, err := guest(d, "caddyhub.stores.", "store", "type")
	a.StoreRaw = raw
	return err
}

func (a *App) parseAuthenticator(d *caddyfile.Dispenser) error {
	raw, err := guest(d, "caddyhub.authenticators.", "authenticator", "type")
	if err != nil {
		return err
	}
	a.AuthenticatorsRaw = append(a.AuthenticatorsRaw, raw)
	if _, err := authenticatorNames(a.AuthenticatorsRaw); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (a *App) parseAllow(d *caddyfile.Dispenser) error {
	names, err := words.Texts(d)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(names, "all"):
		a.Allow = append(a.Allow, names...)
	case len(names) > 1:
		return d.Err("allow takes names of users, or \"all\" alone")
	default:
		a.AllowAll = true
	}
	return nil
}

func (a *App) parseUsernameMap(d *caddyfile.Dispenser) error {
	return words.Pair(d, "two names: the external one and the user's here", &a.UsernameMap, words.Plain)
}

func (a *App) parseSession(d *caddyfile.Dispenser) error {
	a.Session = new(Session)
	return block(d, "session", map[string]words.Word{
		"idle_timeout": words.ToDuration(&a.Session.IdleTimeout),
		"max_lifetime": words.ToDuration(&a.Session.MaxLifetime),

		"refresh":           words.ToDurationOrOff(&a.Session.Refresh),
		"refresh_grace":     words.ToDurationOrOff(&a.Session.RefreshGrace),
		"refresh_pre_spawn": words.ToTrue(&a.Session.RefreshPreSpawn),
	})
}

func (a *App) parseToken(d *caddyfile.Dispenser) error {
	a.Token = new(Token)
	return block(d, "token", map[string]words.Word{
		"max_lifetime":   words.ToDuration(&a.Token.MaxLifetime),
		"oauth_lifetime": words.ToDuration(&a.Token.OAuthLifetime),
	})
}

func (a *App) parseNamedServers(d *caddyfile.Dispenser) error {
	a.NamedServers = new(NamedServers)
	return block(d, "named_servers", map[string]words.Word{
		"limit_per_user": words.ToNumber(&a.NamedServers.LimitPerUser),
	})
}

func (a *App) parseLimits(d *caddyfile.Dispenser) error {
	a.Limits = new(Limits)
	return block(d, "limits", map[string]words.Word{
		"concurrent_spawns": words.Once(func(d *caddyfile.Dispenser) error {
			text, err := words.Text(d)
			if err != nil {
				return err
			}
			if text == "unlimited" {
				a.Limits.ConcurrentSpawns = -1
				return nil
			}
			number, err := strconv.Atoi(text)
			if err != nil || number < 1 {
				return d.Errf("concurrent_spawns takes a number from 1 on, or \"unlimited\", not %q", text)
			}
			a.Limits.ConcurrentSpawns = number
			return nil
		}),
		"active_servers":         words.ToNumber(&a.Limits.ActiveServers),
		"api_page_default_limit": words.ToNumber(&a.Limits.APIPageDefaultLimit),
		"api_page_max_limit":     words.ToNumber(&a.Limits.APIPageMaxLimit),
	})
}

func (a *App) parsePages(d *caddyfile.Dispenser) error {
	a.Pages = new(Pages)
	return block(d, "pages", map[string]words.Word{
		"title":        words.ToText(&a.Pages.Title),
		"announcement": words.ToText(&a.Pages.Announcement),
		"logo":         words.ToText(&a.Pages.Logo),
		"templates":    words.ToText(&a.Pages.Templates),
	})
}

func (a *App) parseRole(d *caddyfile.Dispenser) error {
	var role Role
	err := a.named(d, "role", &role.Name, namesOf(a.Roles, Role.name), map[string]words.Word{
		"description": words.ToText(&role.Description),
		"scopes":      a.noted(&role.Scopes, "role", &role.Name, "scope"),
		"users":       words.ToTexts(&role.Users),
		"groups":      words.ToTexts(&role.Groups),
		"services":    a.noted(&role.Services, "role", &role.Name, "service"),
	})
	a.Roles = append(a.Roles, role)
	return err
}

func (a *App) parseGroup(d *caddyfile.Dispenser) error {
	var group Group
	err := a.named(d, "group", &group.Name, namesOf(a.Groups, Group.name), map[string]words.Word{
		"users": words.ToTexts(&group.Users),
		"property": words.Many(func(d *caddyfile.Dispenser) error {
			return words.Pair(d, "a key and a value", &group.Properties, jsonOrText)
		}),
	})
	a.Groups = append(a.Groups, group)
	return err
}

func (a *App) parseCustomScope(d *caddyfile.Dispenser) error {
	var scope CustomScope
	err := a.named(d, "custom_scope", &scope.Name, namesOf(a.CustomScopes, CustomScope.name), map[string]words.Word{
		"description": words.ToText(&scope.Description),
		"subscopes":   words.ToTexts(&scope.Subscopes),
	})
	a.CustomScopes = append(a.CustomScopes, scope)
	return err
}

// block reads a block of a word that takes no arguments.
func block(d *caddyfile.Dispenser, what string, known map[string]words.Word) error {
	if err := words.None(d); err != nil {
		return err
	}
	return words.Block(d, what, known)
}

// named reads a word that takes a name and a block. What was read so far has
// these names.
func named(d *caddyfile.Dispenser, what string, name *string, before []string, known map[string]words.Word) error {
	args := d.RemainingArgs()
	if len(args) != 1 || args[0] == "" {
		return d.Errf("%s takes one name and a block", what)
	}
	*name = args[0]
	if slices.Contains(before, *name) {
		return d.Errf("%s %q is given twice", what, *name)
	}
	return words.Block(d, what+" "+*name, known)
}

func namesOf[T any](list []T, name func(T) string) []string {
	names := make([]string, len(list))
	for i, element := range list {
		names[i] = name(element)
	}
	return names
}

// jsonOrText lets properties be numbers, booleans and lists as well as text.
func jsonOrText(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return caddyconfig.JSON(text, nil)
}

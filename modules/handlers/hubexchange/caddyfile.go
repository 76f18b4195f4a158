package hubexchange

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddyhub/caddyhub/modules/internal/words"
)

// UnmarshalCaddyfile sets up the handler. Syntax:
//
//	hub_exchange [<matcher>] {
//		parameter <name>
//		header <name>
//		redeem <url> {
//			bearer <token>
//			basic <user> <password>
//			header <name> <value>
//		}
//		timeout <duration>
//		jwt {
//			key <pem or secret>
//			jwks <url>
//			issuer <text>
//			audience <text>
//			max_lifetime <duration>
//		}
//		username_claim <name>
//		groups_claim <name>
//		admin_claim <name>
//		auth_state_claim <name>
//		scopes_claim <name>
//		server_claim <name>
//		next_claim <name>
//		create_users on|off
//		start_server
//		limit_to_server
//		portal <url>
//	}
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	err := words.Module(d, "hub_exchange", map[string]words.Word{
		"parameter":        words.ToText(&h.Parameter),
		"header":           words.ToText(&h.Header),
		"redeem":           words.Once(h.parseRedeem),
		"timeout":          words.ToDuration(&h.Timeout),
		"jwt":              words.Once(h.parseJWT),
		"username_claim":   words.ToText(&h.UsernameClaim),
		"groups_claim":     words.ToText(&h.GroupsClaim),
		"admin_claim":      words.ToText(&h.AdminClaim),
		"auth_state_claim": words.ToText(&h.AuthStateClaim),
		"scopes_claim":     words.ToText(&h.ScopesClaim),
		"server_claim":     words.ToText(&h.ServerClaim),
		"next_claim":       words.ToText(&h.NextClaim),
		"create_users":     words.ToSwitch(&h.CreateUsers),
		"start_server":     words.ToTrue(&h.StartServer),
		"limit_to_server":  words.ToTrue(&h.LimitToServer),
		"portal":           words.ToText(&h.Portal),
	})
	if err != nil {
		return err
	}
	if err := h.complete(); err != nil {
		return d.WrapErr(err)
	}
	return nil
}

func (h *Handler) parseRedeem(d *caddyfile.Dispenser) (err error) {
	h.Redeem = new(Redeem)
	if h.Redeem.URL, err = words.Text(d); err != nil {
		return err
	}
	return words.Block(d, "redeem", map[string]words.Word{
		"bearer": words.ToText(&h.Redeem.Bearer),
		"basic":  words.Once(h.Redeem.parseBasic),
		"header": words.Many(func(d *caddyfile.Dispenser) error {
			return words.Pair(d, "a name and a value", &h.Redeem.Headers, words.Plain)
		}),
	})
}

func (r *Redeem) parseBasic(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Err("basic takes a user and a password")
	}
	r.BasicUser, r.BasicPassword = args[0], args[1]
	return nil
}

func (h *Handler) parseJWT(d *caddyfile.Dispenser) error {
	if err := words.None(d); err != nil {
		return err
	}
	h.JWT = new(JWT)
	return words.Block(d, "jwt", map[string]words.Word{
		"key":          words.ToText(&h.JWT.Key),
		"jwks":         words.ToText(&h.JWT.JWKS),
		"issuer":       words.ToText(&h.JWT.Issuer),
		"audience":     words.ToText(&h.JWT.Audience),
		"max_lifetime": words.ToDuration(&h.JWT.MaxLifetime),
	})
}

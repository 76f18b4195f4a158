package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// maxAnswer bounds what is read of the hub's answer, in bytes. A token is well
// under a hundred; an endpoint that sends more is not ours.
const maxAnswer = 64 << 10

// tokenRequest is what POST /caddyhub/token on the admin endpoint takes.
type tokenRequest struct {
	User string `json:"user"`
	Note string `json:"note,omitempty"`
	// ExpiresIn is in seconds, as in JupyterHub's REST API; absent, the hub's
	// own rule applies.
	ExpiresIn int64 `json:"expires_in,omitempty"`
	// Scopes is absent for all that the user may do.
	Scopes []string `json:"scopes,omitempty"`
}

func tokenCommand() caddycmd.Command {
	return caddycmd.Command{
		Name:  "token",
		Usage: "<user> [--note <text>] [--expires <duration>] [--scopes <scope>,...] [--address <interface>] [--config <path> [--adapter <name>]]",
		Short: "Prints a new API token for a user of the running hub",
		Long: `
Asks the running hub for an API token that acts as the user, and prints it, and
nothing else, to standard output. The hub keeps only a hash: the token cannot
be shown again.

--expires takes a duration with a unit, such as 90m, 24h or 14d. Without it the
hub's own limit for tokens applies.

--scopes limits what the token may do, separated by commas. Without it the
token may do all that the user may do.

The hub is asked through Caddy's admin endpoint: the one at --address, else the
one in the file at --config, else Caddy's default.`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Args = cobra.ExactArgs(1)
			cmd.Flags().String("note", "Requested on the command line", "What the token is for, as the user sees it in the list of tokens")
			cmd.Flags().String("expires", "", "How long the token lives, with a unit: 24h, 14d")
			cmd.Flags().StringSlice("scopes", nil, "What the token may do")
			cmd.Flags().String("address", "", "Address of the admin endpoint")
			cmd.Flags().StringP("config", "c", "", "Configuration file to find the admin endpoint in")
			cmd.Flags().StringP("adapter", "a", "", "Name of the adapter for the configuration file")
			cmd.RunE = runToken
		},
	}
}

func runToken(cmd *cobra.Command, args []string) error {
	flags := caddycmd.Flags{FlagSet: cmd.Flags()}
	expiresIn, err := parseLifetime(flags.String("expires"))
	if err != nil {
		return err
	}
	scopes, err := cmd.Flags().GetStringSlice("scopes")
	if err != nil {
		return err
	}
	address, err := caddycmd.DetermineAdminAPIAddress(flags.String("address"), nil, flags.String("config"), flags.String("adapter"))
	if err != nil {
		return fmt.Errorf("finding the admin endpoint: %w", err)
	}
	token, err := requestToken(address, tokenRequest{
		User:      args[0],
		Note:      flags.String("note"),
		ExpiresIn: expiresIn,
		Scopes:    scopes,
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), token)
	return err
}

// parseLifetime returns whole seconds; 0 for an empty word.
func parseLifetime(word string) (int64, error) {
	if word == "" {
		return 0, nil
	}
	lifetime, err := caddy.ParseDuration(word)
	if err != nil {
		return 0, fmt.Errorf("--expires takes a duration with a unit, such as 90m, 24h or 14d: %w", err)
	}
	if lifetime < time.Second || lifetime%time.Second != 0 {
		return 0, fmt.Errorf("--expires takes whole seconds, at least one: %s", word)
	}
	return int64(lifetime / time.Second), nil
}

func requestToken(address string, request tokenRequest) (string, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return "", err
	}
	response, err := caddycmd.AdminAPIRequest(address, http.MethodPost, "/caddyhub/token", nil, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("asking the hub at %s: %w", address, err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil {
		return "", fmt.Errorf("reading the answer of %s: %w", address, err)
	}
	if answer.Token == "" {
		return "", errors.New("the answer has no token: is this a caddyhub?")
	}
	return answer.Token, nil
}

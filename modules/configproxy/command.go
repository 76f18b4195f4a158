// Package configproxy is the command "caddyhub configurable-http-proxy": the
// command line, environment and output of configurable-http-proxy 5.3 for a Caddy
// that runs hub_proxy and hub_routes_api, and nothing else.
//
// What it guarantees:
//
//   - What the command does can be written as a configuration of Caddy: it makes
//     one from its options and runs it, with the admin endpoint off.
//   - Every option of configurable-http-proxy is understood. What cannot be done is
//     refused in words, or warned about where it makes no difference to users.
//   - When the lines "Proxying ..." and "Proxy API at ..." are printed, both
//     addresses answer. If one cannot be had, the command ends with an error.
package configproxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// Name of the command, and of a link to the binary that behaves as the command.
const Name = "configurable-http-proxy"

// release of configurable-http-proxy whose command line this is.
const release = "5.3.0"

func init() {
	caddycmd.RegisterCommand(command())
}

// Arguments are those of the binary, with the name of the command put in if it is
// called by that name.
func Arguments(arguments []string) []string {
	if len(arguments) == 0 {
		return arguments
	}
	called := strings.TrimSuffix(filepath.Base(arguments[0]), ".exe")
	if called != Name {
		return arguments
	}
	return append([]string{arguments[0], Name}, arguments[1:]...)
}

func command() caddycmd.Command {
	return caddycmd.Command{
		Name:  Name,
		Usage: "[options]",
		Short: "Runs the proxy of an existing JupyterHub in place of configurable-http-proxy",
		Long: `
Routes requests for a JupyterHub that runs beside it, which adds and removes
routes over a REST API. It takes the command line, the environment and the API
of configurable-http-proxy ` + release + `. In jupyterhub_config.py:

	c.ConfigurableHTTPProxy.command = ["caddyhub", "configurable-http-proxy"]

A link to caddyhub that is called configurable-http-proxy does the same.

Environment:

	CONFIGPROXY_AUTH_TOKEN              token of the REST API
	CONFIGPROXY_SSL_KEY_PASSPHRASE      passphrase of --ssl-key
	CONFIGPROXY_API_SSL_KEY_PASSPHRASE  passphrase of --api-ssl-key
	CADDYHUB_PROXY_STORE                as --store, where that is not given

Without a token the API answers programs of this machine and nobody else.

Routes are kept in a file, one for each address of an API, in Caddy's data
folder: after a crash they are served at once. --store takes another file,
"memory" to keep none, or redis://HOST:PORT to share them with other proxies.

When it is told to end (SIGTERM, SIGINT, SIGHUP) it listens no more, gives
requests ` + drain.String() + ` to end, closes WebSockets with code 1001, and ends with code 0.
What cannot be done as asked ends it with code 1 and a line that says why.`,
		CobraFunc: func(cmd *cobra.Command) {
			options := new(options)
			options.register(cmd.Flags())
			cmd.Args = func(cmd *cobra.Command, arguments []string) error {
				err := cobra.NoArgs(cmd, arguments)
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), "error:", err)
				}
				return err
			}
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			cmd.RunE = func(cmd *cobra.Command, _ []string) error {
				err := options.run(cmd)
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), strings.TrimSpace(err.Error()))
				}
				return err
			}
			cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
				fmt.Fprintln(cmd.ErrOrStderr(), "error:", err)
				return err
			})
		},
	}
}

// run runs the proxy until it is told to end. It returns only if it could not
// start.
func (o *options) run(cmd *cobra.Command) error {
	if o.version {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), release)
		return err
	}
	if err := o.complete(os.Getenv); err != nil {
		return err
	}
	config, warnings, err := o.config()
	if err != nil {
		return err
	}
	if err := checkListen(o.addresses()); err != nil {
		return err
	}
	return serve(o, config, warnings)
}

var errBothPages = errors.New("Cannot specify both error-target and error-path. Pick one.") //nolint:staticcheck // the text is configurable-http-proxy's

package measure

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

// SaveProfile asks the admin endpoint of Caddy, on a Unix socket, for a profile
// such as "profile?seconds=3" or "heap?gc=1", and saves it to a file.
func SaveProfile(ctx context.Context, socket, what, path string) error {
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/debug/pprof/"+what, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("measure: profile: status %d: %s", response.StatusCode, data)
	}
	return os.WriteFile(path, data, 0o600)
}

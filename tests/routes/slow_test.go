package routes_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSlowUploads: an upload that moves is not cut, however long it takes: not by
// the timeouts of both sides, which are shorter than it, nor by those of a proxy
// without options. One that stands still is. The first takes a few seconds, unless
// CADDYHUB_TEST_SLOW says how long.
func TestSlowUploads(t *testing.T) {
	t.Parallel()
	takes := 3 * time.Second
	if text := os.Getenv("CADDYHUB_TEST_SLOW"); text != "" {
		var err error
		if takes, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	targets, authority := backs(t, newBehaviour())
	limited := startEdge(t, &edge{Options: "client_ssl_ca " + authority + "\n\t\ttimeout 2s\n\t\tproxy_timeout 2s"})
	free := startEdge(t, &edge{Options: "client_ssl_ca " + authority})
	var clients sync.WaitGroup
	defer clients.Wait()
	for _, e := range []*edge{limited, free} {
		for _, front := range e.fronts() {
			for kind, target := range targets {
				path := "/" + strings.ReplaceAll(front.name, " ", "-") + "/" + kind
				e.route(path, target)
				clients.Go(func() {
					if err := slowly(front, path, takes); err != nil {
						t.Errorf("%s, %s, limited %v: %v", front.name, kind, e == limited, err)
					}
				})
			}
		}
	}
	clients.Go(func() {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", limited.Plain))
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, "POST /HTTP/1.1/http/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello")
		if rest, err := io.ReadAll(bufio.NewReader(conn)); err != nil && strings.Contains(err.Error(), "timeout") || strings.Contains(string(rest), "200 OK") {
			t.Errorf("an upload that stands still: %q, %v", rest, err)
		}
	})
}

// slowly sends ten bytes a second.
func slowly(front front, path string, takes time.Duration) error {
	source, sink := io.Pipe()
	sent := make(chan int, 1)
	go func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		n := 0
		for begun := time.Now(); time.Since(begun) < takes; n++ {
			if _, err := io.WriteString(sink, "x"); err != nil {
				break
			}
			<-tick.C
		}
		sent <- n
		sink.Close()
	}()
	response, err := front.client.Post(front.url+path, "text/plain", source)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if want := fmt.Sprintf(`"Length":%d,`, <-sent); err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
		return fmt.Errorf("%s %s, want %s: %w", response.Status, text, want, err)
	}
	return nil
}

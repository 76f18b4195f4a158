package proxies

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

const routesToken = "a-token-of-the-comparison"

// routes is the REST API of configurable-http-proxy.
type routes struct {
	b        *testing.B
	address  string
	upstream string
	client   *http.Client
}

func newRoutes(b *testing.B, port int, upstream string) *routes {
	r := &routes{
		b: b, address: "http://127.0.0.1:" + strconv.Itoa(port) + "/api/routes", upstream: "http://" + upstream,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute},
	}
	b.Cleanup(r.client.CloseIdleConnections)
	return r
}

func (r *routes) do(method, path, body string, want int) error {
	request, err := http.NewRequestWithContext(r.b.Context(), method, r.address+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "token "+routesToken)
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := drain(response.Body); err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("%s %s: %s", method, path, response.Status)
	}
	return nil
}

// drain reads a body to its end. It rests after every piece of a long one: other
// goroutines of this process take the times of requests, on the same processor.
func drain(body io.Reader) error {
	piece := make([]byte, 64<<10)
	for {
		n, err := body.Read(piece)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 1<<10 {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

// add adds a route to the upstream.
func (r *routes) add(path string) error {
	return r.do(http.MethodPost, path, fmt.Sprintf(`{"target":%q}`, r.upstream), http.StatusCreated)
}

// addMany adds routes of users who do not exist, numbered from first.
func (r *routes) addMany(first, count int) {
	r.b.Helper()
	numbers := make(chan int)
	var group sync.WaitGroup
	var once sync.Once
	var failed error
	for range 32 {
		group.Go(func() {
			for number := range numbers {
				if err := r.add(fmt.Sprintf("/user/u%06d", number)); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for number := first; number < first+count; number++ {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	if failed != nil {
		r.b.Fatal(failed)
	}
}

// readAll reads the whole table.
func (r *routes) readAll() error { return r.do(http.MethodGet, "", "", http.StatusOK) }

// get is a page of the proxy that everybody may read.
func (r *routes) get(address string) (string, error) {
	request, err := http.NewRequestWithContext(r.b.Context(), http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

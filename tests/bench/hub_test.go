package bench_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/caddyhub/store/redis/redistest"
	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

// call is one kind of request that both hubs are asked.
type call struct {
	name string
	// requests for a hub at an address.
	requests func(w *world, address string) [][]byte
}

var calls = []call{
	{"GET /user, by the tokens of all servers' users", func(w *world, address string) [][]byte {
		return each(w.tokens, func(_ int, token string) string { return get(address, "/user", token, "") })
	}},
	{"GET /users?limit=50, every page by turns", func(w *world, address string) (all [][]byte) {
		for offset := 0; offset < w.users; offset += 50 {
			all = append(all, []byte(get(address, fmt.Sprintf("/users?limit=50&offset=%d", offset), w.culler, paginated)))
		}
		return all
	}},
	{"GET /users?state=ready, page by page as the culler", func(w *world, address string) (all [][]byte) {
		all = append(all, []byte(get(address, "/users?state=ready", w.culler, paginated)))
		for offset := 50; offset < len(w.tokens); offset += 50 {
			all = append(all, []byte(get(address, fmt.Sprintf("/users?limit=50&offset=%d&state=ready", offset), w.culler, paginated)))
		}
		return all
	}},
	{"POST /users/NAME/activity, by all servers", func(w *world, address string) [][]byte {
		return each(w.tokens, func(i int, token string) string {
			now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")
			body := fmt.Sprintf(`{"servers": {"": {"last_activity": %q}}, "last_activity": %q}`, now, now)
			return fmt.Sprintf("POST /hub/api/users/%s/activity HTTP/1.1\r\nHost: %s\r\nAuthorization: token %s\r\n"+
				"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", userName(i), address, token, len(body), body)
		})
	}},
}

const paginated = "Accept: application/jupyterhub-pagination+json\r\n"

func get(address, path, token, headers string) string {
	return fmt.Sprintf("GET /hub/api%s HTTP/1.1\r\nHost: %s\r\nAuthorization: token %s\r\n%s\r\n", path, address, token, headers)
}

func each(tokens []string, request func(i int, token string) string) [][]byte {
	all := make([][]byte, len(tokens))
	for i, token := range tokens {
		all[i] = []byte(request(i, token))
	}
	return all
}

// warming is how long each hub is asked before anything counts, so that it has
// seen everybody who asks: what is measured is a hub in use.
const warming = time.Second

// BenchmarkHub compares the hub over both stores with JupyterHub. Its figures
// are in the tables that it prints. CADDYHUB_BENCH_ALONE=1 leaves out all but
// the hub over the embedded store, CADDYHUB_BENCH_PROFILES names a folder for
// profiles of it.
func BenchmarkHub(b *testing.B) {
	alone := os.Getenv("CADDYHUB_BENCH_ALONE") != ""
	w := newWorld(b, number(b, "CADDYHUB_BENCH_USERS", 10_000), number(b, "CADDYHUB_BENCH_SERVERS", 2_000))
	if err := measure.PinSelf(measuring); err != nil {
		b.Fatal(err)
	}
	var contenders []*contender
	if !alone {
		contenders = append(contenders, startJupyterHub(b, w, hubtest.VirtualEnvironment(b)))
	}
	contenders = append(contenders, startCaddyhub(b, w, "caddyhub, embedded store", ""))
	if !alone {
		database := redistest.Start(b, redistest.Options{Arguments: []string{"--save", ""}})
		contenders = append(contenders, startCaddyhub(b, w, "caddyhub, Redis", database.URL()))
	}
	fmt.Printf("\n%d users, %d running servers; one core each\n\n", w.users, len(w.tokens))
	printStart(b, contenders)
	for range b.N {
		for _, call := range calls {
			all := loads(w, call, contenders)
			for _, one := range all {
				if _, err := one.Run(b.Context(), warming); err != nil {
					b.Fatalf("%s: %s: %v", call.name, one.Name, err)
				}
			}
			results, err := measure.Compare(b.Context(), rounds(b), all...)
			if err != nil {
				b.Fatalf("%s: %v", call.name, err)
			}
			fmt.Printf("\n%s\n\n", call.name)
			if err := measure.Compared(results).Write(os.Stdout); err != nil {
				b.Fatal(err)
			}
			profile(b, w, call, contenders)
		}
	}
	fmt.Println()
}

// loads are the contenders of one comparison.
func loads(w *world, call call, contenders []*contender) (all []measure.Contender) {
	for _, c := range contenders {
		load := measure.Load{Address: c.address, Requests: call.requests(w, c.address), Status: 200}
		all = append(all, measure.Contender{
			Name: c.name, Processes: []int{c.process.Pid},
			Run: func(ctx context.Context, duration time.Duration) (measure.Answers, error) {
				return load.Run(ctx, duration)
			},
		})
	}
	return all
}

func printStart(b *testing.B, contenders []*contender) {
	b.Helper()
	table := measure.Table{Head: []string{"", "start to first answer", "RSS then"}}
	for _, c := range contenders {
		table.Add(c.name, measure.Number(c.start.Seconds())+" s", measure.Mebibytes(c.memory))
	}
	if err := table.Write(os.Stdout); err != nil {
		b.Fatal(err)
	}
}

package measure

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	seen := make(chan string, 1<<20)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.URL.Path
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte("hello"))
	}))
	defer site.Close()
	request := func(path string) []byte { return []byte("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n") }
	load := Load{Address: site.Listener.Addr().String(), Requests: [][]byte{request("/a"), request("/b")}, Status: 200, Connections: 3}

	answers, err := load.Run(t.Context(), 50*time.Millisecond)
	if err != nil || answers.Requests != len(seen) || answers.Requests < 3 || answers.Bytes < int64(5*answers.Requests) {
		t.Errorf("%d answers with %d bytes to %d requests, %v", answers.Requests, answers.Bytes, len(seen), err)
	}
	if answers.Latency(0.5) <= 0 || answers.Latency(1) < answers.Latency(0.5) {
		t.Errorf("latencies %v and %v", answers.Latency(0.5), answers.Latency(1))
	}
	load.Rate = 100
	if answers, err = load.Run(t.Context(), 95*time.Millisecond); err != nil || answers.Requests != 10 {
		t.Errorf("%d requests at 100/s in 95 ms, %v", answers.Requests, err)
	}
	load.Requests = append(load.Requests, request("/missing"))
	if _, err = load.Run(t.Context(), time.Minute); err == nil || !strings.Contains(err.Error(), "404 in place of 200") {
		t.Errorf("a wrong answer gives %v", err)
	}
	site.Close()
	if _, err = load.Run(t.Context(), time.Minute); err == nil {
		t.Error("a load on nobody succeeds")
	}
}

func TestCompareTakesTurns(t *testing.T) {
	var order []string
	contender := func(name string, answers int) Contender {
		return Contender{Name: name, Processes: []int{os.Getpid()}, Run: func(context.Context, time.Duration) (Answers, error) {
			order = append(order, name)
			return Answers{Requests: answers, Elapsed: time.Second}, nil
		}}
	}
	// What runs beside this test must not matter here.
	rounds := Rounds{Count: 2, Others: 1e9}
	results, err := Compare(t.Context(), rounds, contender("a", 100), contender("b", 5000))
	if diff := cmp.Diff([]string{"a", "b", "a", "b", "a", "b"}, order); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if got := Median(results[1], Round.PerSecond); got != 5000 {
		t.Errorf("b answers %v times a second", got)
	}
	lost := errors.New("lost")
	broken := Contender{Name: "c", Run: func(context.Context, time.Duration) (Answers, error) { return Answers{}, lost }}
	if _, err := Compare(t.Context(), rounds, broken); !errors.Is(err, lost) {
		t.Errorf("a failed round gives %v", err)
	}
}

func TestDisturbedRoundsAreRepeated(t *testing.T) {
	runs := 0
	busyMachine := Contender{Name: "a", Run: func(context.Context, time.Duration) (Answers, error) {
		runs++
		for start := busy(); busy() == start; { // somebody works, and it is none of our processes
		}
		return Answers{Requests: 1, Elapsed: time.Second}, nil
	}}
	// No processes are named but this test itself works, which is subtracted:
	// a negative bound makes every round a disturbed one.
	rounds := Rounds{Count: 2, Others: -1, Repeats: 3}
	result := Result{}
	for range rounds.Count {
		if err := result.measure(t.Context(), rounds, busyMachine); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 5 || result.Repeated != 3 || result.Disturbed != 2 || len(result.Rounds) != 2 {
		t.Errorf("%d runs, %d repeated, %d of %d disturbed", runs, result.Repeated, result.Disturbed, len(result.Rounds))
	}
	if got := result.Others(); !strings.HasSuffix(got, "(2 of 2 disturbed)") {
		t.Errorf("others: %q", got)
	}
}

func TestTable(t *testing.T) {
	round := func(requests int, cpu time.Duration) Round {
		return Round{Answers: Answers{Requests: requests, Elapsed: time.Second}, CPU: cpu, RSS: 150 << 20, Others: 0.012}
	}
	var text strings.Builder
	err := Compared([]Result{
		{Name: "JupyterHub", Rounds: []Round{round(500, time.Second), round(400, time.Second), round(600, time.Second)}},
		{Name: "caddyhub", Rounds: []Round{round(25000, time.Second)}},
	}).Write(&text)
	want := "" +
		"|            | requests/s | times | CPU/request | times |     RSS | CPU of others |\n" +
		"| ---------- | ---------: | ----: | ----------: | ----: | ------: | ------------: |\n" +
		"| JupyterHub |        500 |  1.00 |     2000 µs |  1.00 | 150 MiB |         1.2 % |\n" +
		"| caddyhub   |      25000 |  50.0 |     40.0 µs |  0.02 | 150 MiB |         1.2 % |\n"
	if diff := cmp.Diff(want, text.String()); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

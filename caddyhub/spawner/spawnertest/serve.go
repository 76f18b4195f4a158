package spawnertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Serve is the suite's server. A TestMain calls it first: where Variable is set
// it never returns, else it does nothing.
func Serve() {
	behaviour := Behaviour(os.Getenv(Variable))
	if behaviour == "" {
		return
	}
	fmt.Println(Greeting)
	if behaviour == Failing {
		os.Exit(FailingExit)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		if err := serve(os.Getenv("JUPYTERHUB_SERVICE_URL")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
	for range stop {
		if behaviour != Stubborn {
			os.Exit(0)
		}
	}
}

// serve answers with the environment at the path of its own address.
func serve(address string) error {
	bind, err := url.Parse(address)
	if err != nil {
		return err
	}
	environment := make(map[string]string)
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	return http.ListenAndServe(bind.Host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != bind.Path+"api" {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(environment)
	}))
}

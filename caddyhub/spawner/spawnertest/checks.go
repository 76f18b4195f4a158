package spawnertest

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/caddyhub/caddyhub/caddyhub/spawner"
)

func checkLife(b *bench) {
	request := b.request("ada", "", Obedient)
	events := &record{}
	started, ref := b.startOnly(request, events)
	origin, err := url.Parse(started.URL)
	if err != nil || origin.Scheme != "http" || origin.Port() == "" || origin.Path != "" {
		b.Errorf("URL %q is not an origin: %v", started.URL, err)
	}
	if !json.Valid(started.State) {
		b.Errorf("State %q is not JSON", started.State)
	}
	if len(events.states) == 0 {
		b.Error("Start saved no state before it returned")
	}
	for _, step := range events.progress {
		if step.Percent < 0 || step.Percent > 99 || step.Message == "" {
			b.Errorf("progress %+v", step)
		}
	}
	if environment := b.answer(started, request); environment["JUPYTERHUB_SERVICE_PREFIX"] != request.Prefix {
		b.Errorf("another server answers: %v", environment)
	}
	b.wantRunning(ref, true)
	b.stop(ref, false)
	b.stop(ref, false)
	b.stop(ref, true)
}

func checkEnvironment(b *bench) {
	request := b.request("ada", "lab", Obedient)
	want := map[string]string{
		"PLAIN": "value", "EMPTY": "", "QUOTES": `"a" 'b' \ $HOME $(id)`, "LINES": "one\ntwo", "LETTERS": "größer 漢字",
	}
	for name, value := range want {
		request.Environment[name] = value
	}
	started, _ := b.startOnly(request, &record{})
	got := b.answer(started, request)
	for name, value := range want {
		if found, ok := got[name]; !ok || found != value {
			b.Errorf("%s is %q (%v), want %q", name, found, ok, value)
		}
	}
	address, err := url.Parse(got["JUPYTERHUB_SERVICE_URL"])
	if err != nil || address.EscapedPath() != request.Prefix || address.Port() == "" {
		b.Errorf("JUPYTERHUB_SERVICE_URL %q: %v", got["JUPYTERHUB_SERVICE_URL"], err)
	}
}

func checkForce(b *bench) {
	_, ref := b.start(b.request("ada", "", Obedient))
	b.stop(ref, true)
}

func checkStubborn(b *bench) {
	_, ref := b.start(b.request("ada", "", Stubborn))
	b.stop(ref, false)
}

func checkKilled(b *bench) {
	_, ref := b.start(b.request("ada", "", Obedient))
	b.config.Kill(b.T, ref)
	status := b.ends(ref)
	if status.ExitCode != 128+9 && status.ExitCode != spawner.UnknownExit {
		b.Errorf("exit code %d, want %d or unknown", status.ExitCode, 128+9)
	}
	b.stop(ref, false)
}

func checkFailing(b *bench) {
	request := b.request("ada", "", Failing)
	started, err := b.hub.Start(b.Context(), request, &record{})
	if err != nil {
		if reason := spawner.ReasonOf(err); reason != spawner.ReasonExited {
			b.Errorf("Start of a failing server: reason %q, want %q", reason, spawner.ReasonExited)
		}
		return
	}
	ref := request.Ref(started.State)
	if status := b.ends(ref); status.ExitCode != FailingExit && status.ExitCode != spawner.UnknownExit {
		b.Errorf("exit code %d, want %d or unknown", status.ExitCode, FailingExit)
	}
	b.stop(ref, false)
}

func checkNewHub(b *bench) {
	request := b.request("ada", "", Obedient)
	started, ref := b.start(request)
	b.restart()
	b.wantRunning(ref, true)
	b.answer(started, request)
	if recoverer, ok := b.hub.(spawner.Recoverer); ok {
		found, err := recoverer.Recover(b.Context(), ref)
		if err != nil || found.URL != started.URL {
			b.Errorf("Recover: %+v, %v, want URL %q", found, err, started.URL)
		}
	}
	b.stop(ref, false)

	_, ref = b.start(b.request("ada", "", Obedient))
	b.restart()
	b.config.Kill(b.T, ref)
	b.ends(ref)
	b.stop(ref, false)
}

// checkRecover stands in for a hub that died after its first Save: all that the
// next one has is that state.
func checkRecover(b *bench) {
	if _, ok := b.hub.(spawner.Recoverer); !ok {
		b.Skip("the spawner is no Recoverer")
	}
	request := b.request("ada", "", Obedient)
	events := &record{}
	started, _ := b.startOnly(request, events)
	b.restart()
	ref := request.Ref(events.states[0])
	found, err := b.hub.(spawner.Recoverer).Recover(b.Context(), ref)
	if err != nil || found.URL != started.URL {
		b.Fatalf("Recover: %+v, %v, want URL %q", found, err, started.URL)
	}
	b.answer(found, request)
	b.wantRunning(ref, true)
	b.wantRunning(request.Ref(found.State), true)
	b.stop(ref, false)
}

func checkUnsaved(b *bench) {
	lost := errors.New("the store is away")
	for _, n := range b.saves() {
		request := b.request("ada", "", Obedient)
		events := &record{onSave: func(count int) error {
			if count == n {
				return lost
			}
			return nil
		}}
		if _, err := b.hub.Start(b.Context(), request, events); !errors.Is(err, lost) {
			b.Errorf("Start with Save %d failing: %v", n, err)
		}
		b.wantNothing(request.Ref(events.states[len(events.states)-1]))
	}
}

// saves lists the numbers of the Save calls that a start makes.
func (b *bench) saves() []int {
	events := &record{}
	_, ref := b.startOnly(b.request("counted", "", Obedient), events)
	b.stop(ref, true)
	numbers := make([]int, len(events.states))
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}

func checkSideBySide(b *bench) {
	first, second := b.request("ada", "", Obedient), b.request("ada", "lab", Obedient)
	startedFirst, refFirst := b.start(first)
	startedSecond, refSecond := b.start(second)
	_, refGrace := b.start(b.request("grace", "", Obedient))
	if startedFirst.URL == startedSecond.URL {
		b.Errorf("two servers at %s", startedFirst.URL)
	}
	b.stop(refFirst, false)
	b.wantRunning(refSecond, true)
	b.wantRunning(refGrace, true)
	b.answer(startedSecond, second)
}

func checkForeignState(b *bench) {
	ref := spawner.Ref{User: "ada", SpawnID: spawner.NewSpawnID()}
	b.stop(ref, false)
	for _, text := range []string{`null`, `{}`} {
		ref.State = json.RawMessage(text)
		b.stop(ref, false)
	}
	for _, text := range []string{`[]`, `"x"`, `{"version":99}`, `{`, `{"pid":1}`, `{"pid":-1}`} {
		ref.State = json.RawMessage(text)
		if status, err := b.hub.Poll(b.Context(), ref); !errors.Is(err, spawner.ErrState) {
			b.Errorf("Poll with state %s: %+v, %v, want ErrState", text, status, err)
		}
		if err := b.hub.Stop(b.Context(), ref, true); !errors.Is(err, spawner.ErrState) {
			b.Errorf("Stop with state %s: %v, want ErrState", text, err)
		}
	}
}

func checkConcurrentStop(b *bench) {
	_, ref := b.start(b.request("ada", "", Obedient))
	var all sync.WaitGroup
	for i := range 6 {
		hub := b.hub
		if i%2 == 1 {
			hub = b.config.New(b.T)
		}
		all.Go(func() {
			if err := hub.Stop(b.Context(), ref, i == 5); err != nil {
				b.Errorf("Stop %d: %v", i, err)
			}
		})
	}
	all.Wait()
	b.wantNothing(ref)
}

func checkHostileNames(b *bench) {
	for _, name := range []string{"../../etc", "a/b", "..", ".", "-rf", "$(touch x)", "two words", "größe", "a\nb", "ada@example.org"} {
		request := b.request(name, "", Obedient)
		request.Server = name
		started, ref := b.startOnly(request, &record{})
		if got := b.answer(started, request)["JUPYTERHUB_USER"]; got != name {
			b.Errorf("JUPYTERHUB_USER is %q, want %q", got, name)
		}
		b.stop(ref, true)
	}
}

func checkTail(b *bench) {
	tailer, ok := b.hub.(spawner.LogTailer)
	if !ok {
		b.Skip("the spawner is no LogTailer")
	}
	request := b.request("ada", "", Failing)
	started, ref := b.startOnly(request, &record{})
	b.ends(ref)
	lines, err := tailer.Tail(b.Context(), request.Ref(started.State), 10)
	if err != nil || !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, Greeting) }) {
		b.Errorf("Tail: %q, %v, want %q", lines, err, Greeting)
	}
	if lines, err = tailer.Tail(b.Context(), ref, 0); err != nil || len(lines) != 0 {
		b.Errorf("Tail of no lines: %q, %v", lines, err)
	}
	if lines, err = tailer.Tail(b.Context(), spawner.Ref{User: "nobody"}, 5); err != nil || len(lines) != 0 {
		b.Errorf("Tail without a server: %q, %v", lines, err)
	}
}

package extendedconnect

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestOffering(t *testing.T) {
	for given, want := range map[string]string{
		"":                             "http2xconnect=1",
		"http2debug=1":                 "http2debug=1,http2xconnect=1",
		"http2xconnect=0":              "http2xconnect=0",
		"http2xconnect=0,http2debug=1": "http2xconnect=0,http2debug=1",
		"http2xconnect=1":              "http2xconnect=1",
	} {
		if got := offering(given); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

// TestRestore: what this program was started with is there again, in whatever it
// starts.
func TestRestore(t *testing.T) {
	if os.Getenv("EXTENDEDCONNECT_CHILD") == "1" {
		Restore()
		printed, err := exec.CommandContext(t.Context(), "env").Output()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.Write(append([]byte("\n"), printed...))
		return
	}
	for _, given := range []string{"", "GODEBUG=", "GODEBUG=http2debug=0", "GODEBUG=http2xconnect=0"} {
		self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRestore$", "-test.v")
		self.Env = slices.DeleteFunc(os.Environ(), func(line string) bool { return strings.HasPrefix(line, "GODEBUG=") })
		self.Env = append(self.Env, "EXTENDEDCONNECT_CHILD=1")
		if given != "" {
			self.Env = append(self.Env, given)
		}
		printed, err := self.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		got := ""
		for line := range bytes.Lines(printed) {
			if bytes.HasPrefix(line, []byte("GODEBUG=")) {
				got = strings.TrimSuffix(string(line), "\n")
			}
		}
		if got != given {
			t.Errorf("with %q a program that is started sees %q", given, got)
		}
	}
}

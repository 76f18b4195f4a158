package version

import (
	"runtime/debug"
	"testing"
)

func TestRelease(t *testing.T) {
	other := debug.Module{Path: "example.org/other", Version: "v9.9.9"}
	tests := []struct {
		name   string
		linked string
		info   *debug.BuildInfo
		want   string
	}{
		{"linker wins", "v1.2.3", &debug.BuildInfo{Main: debug.Module{Path: module, Version: "v0.0.1"}}, "v1.2.3"},
		{"go install", "", &debug.BuildInfo{Main: debug.Module{Path: module, Version: "v0.4.0"}}, "v0.4.0"},
		{"xcaddy", "", &debug.BuildInfo{Main: other, Deps: []*debug.Module{&other, {Path: module, Version: "v0.5.0"}}}, "v0.5.0"},
		{"checkout", "", &debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, "dev"},
		{"only others", "", &debug.BuildInfo{Main: other}, "dev"},
		{"no build information", "", nil, "dev"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := release(test.linked, func() (*debug.BuildInfo, bool) { return test.info, test.info != nil })
			if got != test.want {
				t.Errorf("release = %q, want %q", got, test.want)
			}
		})
	}
}

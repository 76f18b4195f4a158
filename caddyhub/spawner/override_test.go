package spawner

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOverrideWith(t *testing.T) {
	o := Override{
		Environment: map[string]*string{"SIZE": new("is {value}{value}"), "GONE": nil},
		DefaultURL:  "/lab/{value}", MemLimit: "{value}G", CPULimit: "1",
		Spawner: map[string][]string{"args": {"--size={value}", "-v"}},
	}
	got := o.With("4")
	want := Override{
		Environment: map[string]*string{"SIZE": new("is 44"), "GONE": nil},
		DefaultURL:  "/lab/4", MemLimit: "4G", CPULimit: "1",
		Spawner: map[string][]string{"args": {"--size=4", "-v"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if *o.Environment["SIZE"] != "is {value}{value}" || o.Spawner["args"][0] != "--size={value}" {
		t.Error("With has changed the override that it was called on")
	}
	if diff := cmp.Diff([]string{"args", "default_url", "environment", "mem_limit"}, o.Uses()); diff != "" {
		t.Error(diff)
	}
	if uses := got.Uses(); uses != nil {
		t.Errorf("nothing is left of {value}, and yet: %v", uses)
	}
	if got := o.With("{value}").MemLimit; got != "{value}G" {
		t.Errorf("a value is put in once: %q", got)
	}
}

func TestOverrideCheck(t *testing.T) {
	good := Override{
		Environment: map[string]*string{"A": new(""), "B": nil}, DefaultURL: "/lab/{username}", NotebookDir: "/srv/x",
		MemLimit: "2G", MemGuarantee: "1G", CPULimit: "2", CPUGuarantee: "0.5", StartTimeout: time.Second,
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	limits, err := good.Limits(Limits{MemLimit: 1, CPULimit: 9})
	if want := (Limits{MemLimit: 2 << 30, MemGuarantee: 1 << 30, CPULimit: 2, CPUGuarantee: 0.5}); limits != want || err != nil {
		t.Errorf("limits %+v, %v", limits, err)
	}
	if limits, _ := (Override{}).Limits(Limits{MemLimit: 1, CPULimit: 9}); limits != (Limits{MemLimit: 1, CPULimit: 9}) {
		t.Errorf("an empty override has changed limits: %+v", limits)
	}
	for name, bad := range map[string]Override{
		"variable":    {Environment: map[string]*string{"A=B": nil}},
		"NUL":         {Environment: map[string]*string{"A": new("\x00")}},
		"field":       {DefaultURL: "/lab/{value}"},
		"upwards":     {NotebookDir: "/srv/../etc"},
		"memory":      {MemLimit: "much"},
		"guarantee":   {MemGuarantee: "-1"},
		"cores":       {CPULimit: "0"},
		"cores least": {CPUGuarantee: "x"},
		"timeout":     {HTTPTimeout: -time.Second},
	} {
		if err := bad.Check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

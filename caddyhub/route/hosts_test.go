package route

import "testing"

func TestHasHost(t *testing.T) {
	table := NewTable()
	ada := Route{Spec: spec(t, "ada.hub.example.org/user/ada/"), Target: target(t, "http://h:1")}
	table.Set(ada)
	table.Set(Route{Spec: spec(t, "/user/grace/"), Target: target(t, "http://h:2")})
	for host, want := range map[string]bool{
		"ada.hub.example.org": true, "ADA.hub.example.org:8443": true, "grace.hub.example.org": false,
		"hub.example.org": false, "": false, "x.ada.hub.example.org": false, ":443": false,
	} {
		if got := table.HasHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	table.Remove(ada.Spec)
	if table.HasHost("ada.hub.example.org") {
		t.Error("the host stays behind its last route")
	}
}

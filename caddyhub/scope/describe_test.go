package scope

import "testing"

func TestDescribe(t *testing.T) {
	t.Parallel()
	d, err := NewDefinitions(testCustom)
	if err != nil {
		t.Fatal(err)
	}
	for text, filter := range map[string]string{
		"users":                    "",
		"users!user":               "only you",
		"users!user=ada":           "only you",
		"users!user=grace":         "user grace",
		"users!group=astro":        "users in group astro",
		"access:services!service":  "only this service",
		"proxy!service=portal":     "service portal",
		"servers!server":           "only this server",
		"servers!server=ada/":      "default server of ada",
		"servers!server=ada/lab":   "server ada/lab",
		"custom:app:read!user=ada": "only you",
	} {
		s, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := d.Describe(s, "ada")
		if !ok || got.Scope != s.Name || got.Text == "" || got.Filter != filter {
			t.Errorf("%s: %+v, %t; want the filter %q", text, got, ok, filter)
		}
	}
	if got, ok := d.Describe(Scope{Name: "nonsense"}, "ada"); ok || got != (Description{}) {
		t.Errorf("nonsense: %+v, %t", got, ok)
	}
	if got, _ := d.Describe(Scope{Name: "custom:app:read"}, ""); got.Text != testCustom["custom:app:read"].Description {
		t.Errorf("the operator's own words are lost: %q", got.Text)
	}
}

package api

import "testing"

// TestForPage: a client that follows the pages of a list finds its own
// parameters where it put them.
func TestForPage(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                "offset=4&limit=2",
		"limit=9":                         "limit=2&offset=4",
		"sort=name&offset=1&limit=1":      "sort=name&offset=4&limit=2",
		"limit=1&sort=name&limit=3":       "limit=2&sort=name&offset=4",
		"state=ready&state=active&flag":   "state=ready&state=active&flag=&offset=4&limit=2",
		"name_filter=%C3%A9+%26&%6Cimit=": "name_filter=%C3%A9+%26&limit=2&offset=4",
		"&&b=1&a=2":                       "b=1&a=2&offset=4&limit=2",
	} {
		query, err := parseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := query.forPage(raw, 4, 2); got != want {
			t.Errorf("%s: %s, not %s", raw, got, want)
		}
	}
}

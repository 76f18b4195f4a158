package api_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// keysOf are the keys of a model, sorted.
func keysOf(model map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(model)), " ")
}

func unescape(path string) (string, error) { return url.PathUnescape(path) }

package gate

import (
	"strconv"
	"strings"
)

// acceptQuality reads an Accept header: how much the client wants HTML and how
// much JSON, 0 to 1, named by themselves; and whether it is open to anything,
// having named nothing in particular.
func acceptQuality(accept []string) (html, json float32, open bool) {
	named := false
	for _, value := range accept {
		for part := range strings.SplitSeq(value, ",") {
			kind, parameters, _ := strings.Cut(part, ";")
			kind = strings.ToLower(strings.Trim(kind, " \t"))
			switch kind {
			case "text/html", "application/xhtml+xml":
				html = max(html, quality(parameters))
			case "application/json":
				json = max(json, quality(parameters))
			}
			named = named || kind != "" && kind != "*/*"
		}
	}
	return html, json, !named
}

// quality is the weight among the parameters of a media range (RFC 9110, 12.4.2).
func quality(parameters string) float32 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.Trim(parameter, " \t"), "=")
		if name != "q" && name != "Q" {
			continue
		}
		q, err := strconv.ParseFloat(value, 32)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return float32(q)
	}
	return 1
}

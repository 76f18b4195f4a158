package conformance_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// rule accepts a kind of difference. All its patterns are regular expressions
// for the whole text; an empty one is for any text.
type rule struct {
	// row is the first column of the row of DIFFERENCES.md that gives the reason.
	row string
	// request is caller, method, path below /hub/api, body and headers, such as
	// `page:ada POST /users {"usernames": ["new"]} [Content-Type: text/plain]`.
	// Before other paths stands "page".
	request string
	// part is that of a difference. "answer" accepts all that differs in an
	// answer, by its two statuses.
	part           string
	original, ours string
}

// wrongTypes is a row that many endpoints need.
const wrongTypes = "Values of the wrong type in a body"

// wayIn is a row that several pages need.
const wayIn = "A navigation below `/user/` or `/services/` without login, or to what does not run"

// accepted are the differences that both DIFFERENCES.md and this table allow.
var accepted = []rule{
	{row: "`Cache-Control: no-store`, `X-Content-Type-Options: nosniff`", part: `header X-Content-Type-Options`, original: absent, ours: `nosniff`},
	{row: "`Cache-Control: no-store`, `X-Content-Type-Options: nosniff`", part: `header Cache-Control`, original: absent, ours: `no-store`},
	{row: "`Allow` with 405", part: `header Allow`, original: absent},

	{row: wrongTypes, request: `.* /users {"usernames": "/"}`, part: "body/message", ours: `"usernames must be .*`},
	{row: wrongTypes, request: `.* DELETE .*/servers?(/[a-z]*)? ("text"|7|\[1\]|\[\])`, part: "answer", ours: "400"},
	{row: wrongTypes, request: `.* DELETE .*/servers?(/[a-z]*)? {"remove": (1|"yes")}`, part: "answer", original: "404|204", ours: "400"},
	{row: wrongTypes, request: `.* DELETE .*/servers?(/[a-z]*)? {"remove": (1|"yes")}`, part: "body/message", ours: `"remove must be .*`},
	{row: wrongTypes, request: `.* POST .*/tokens {("note": 7|"expires_in": true)}`, part: "answer", original: "201", ours: "400"},
	{row: "A name given twice in a request", request: `.* {"usernames": \["NEW", "new"\]}`, part: "body"},
	{row: "`POST /users/{name}/tokens` by cookie without `_xsrf` and with a bad body", request: `cookie:.* POST .*/tokens .*`, part: "answer", original: "400", ours: "403"},
	{row: "Tokens with filtered `tokens!user=` of a service", request: `\[tokens!user=.*`, part: "answer", original: "403", ours: "20[01]"},
	{row: "Tokens with filtered `tokens!user=` of a service", request: `\[tokens!user=.*`, part: "answer", original: "403", ours: "400"},
	{row: "Unknown scopes for a service", request: `.* POST .*/services/.* {"oauth_client_allowed_scopes": .*`, part: "answer", original: "500", ours: "400"},
	{row: "`python`, `sys_executable` and the classes in `GET /info`", request: `.* /info`, part: "body/(python|sys_executable|(authenticator|spawner)/(class|version))"},
	{row: "Requests that JupyterHub did not expect", request: `\S+ (POST|PUT|PATCH|DELETE) /(users|groups|services|shutdown|proxy)\b(?s:.*)`, part: "answer", original: "500", ours: `4\d\d`},
	{row: "Requests that JupyterHub did not expect", request: `\S+ \S+ /authorizations/token.*`, part: "answer", original: "500", ours: "405"},
	{row: "Requests that JupyterHub did not expect", request: `\S+ GET /users/%(zz|ff)`, part: "answer", original: "500", ours: "400"},
	{row: "Queries with broken escapes, and numbers such as `1_0` in them", request: `.*[?](limit=1_0|%zz)`, part: "answer", original: "200", ours: "400"},
	{row: "Queries with broken escapes, and numbers such as `1_0` in them", request: `.*[?]name_filter=%ff`, part: "body/message", ours: `"The query is not valid UTF-8"`},
	{row: "`NaN` and `Infinity` in a body", request: `.*NaN.*`, part: "body/message", ours: `"Invalid JSON in body of request"`},
	{row: "Times in words, without `T` or without separators in activity reports", request: `.*/activity .*(2020-01-04 10:00|20200105T101010|January 7, 2020).*`, part: "answer", original: "200", ours: "400"},
	{row: "Times in words, without `T` or without separators in activity reports", request: `admin GET /users/idle`, part: "body/last_activity", original: `"2020-01-0[457].*`, ours: `"2020-01-0[26].*`},
	{row: "`%` and `_` in `name_filter`", request: `.*name_filter=(%25|_da)`, part: "body", ours: `\[\]`},
	{row: "`total` in pages of `GET /groups` with filtered scopes", request: `\[list:groups!group=.*`, part: "body/_pagination/total"},
	{row: "Several `_xsrf` tokens in one request", request: `cookie:admin PATCH .*[?]_xsrf=wrong .*`, part: "answer", original: "403", ours: "200"},
	{row: "`Sec-Fetch-Mode: websocket` by cookie at the API", request: `cookie:.* \[Sec-Fetch-Mode: websocket\]`, part: "answer", ours: "403"},
	{row: "`fetch` with `mode: no-cors` by cookie", request: `cookie:.* \[Sec-Fetch-Mode: no-cors\] .*`, part: "answer", original: "200", ours: "403"},
	{row: "`Content-Type: text/plain; application/json` by cookie", request: `page:.* \[Content-Type: (text/plain; application/json|application/jsonx)\]`, part: "answer", ours: "403"},
	{row: "A method that a path does not know, by cookie without `_xsrf`", request: `cookie:.*`, part: "answer", original: "403", ours: "405"},
	{row: "Bodies over 1 MB", part: "answer", original: "400", ours: "413"},
	{row: "User names", request: `.*a.u0000b.*`, part: "answer", original: "201", ours: "400"},
	{row: "Ambiguous paths: dot segments, `\\`, encoded slashes and empty segments in front, control characters", request: `.* /users/[.][.]`, part: "answer", original: "200", ours: "40[04]"},
	{row: "A start that fails", request: `.*/broken(/progress)?`, part: "body/(0/)?message"},
	{row: "`info`, `url` and `display` of a service that has none, in `GET /user`", request: `.* GET /user\b.*`, part: "body/(info|url|display)", original: "null"},
	{row: "`user_options` of a stopped server that was started without any", part: "body/(.*/)?user_options", original: "null", ours: "{}"},
	{row: "Progress of a default server that was never started", request: `.*/server/progress`, part: "answer", original: "404", ours: "400"},
	{row: "Progress of a start that was called off, for who asks afterwards", request: `.*/slow-2/progress`, part: "answer", original: "404", ours: "200"},
	{row: "`Content-Type` of an answer without a body", request: `.* OPTIONS .*/progress`, part: "header Content-Type", original: "text/event-stream"},
	{row: "`POST /groups` where one of several exists", request: `admin DELETE /groups/three`, part: "answer", original: "204", ours: "404"},
	{row: "User names", request: `.*/a%00b`, part: "answer", original: "204", ours: "4.."},
	{row: "`last_activity` of a route in `GET /proxy` that nobody has used", request: `.* /proxy`, part: "body/.*/last_activity", ours: absent},
	{row: "Progress between the request for a server and the end", request: `.*/progress`, part: "body/between"},
	{row: "`/health` and `/metrics`", request: `(page )?\S+ \S+ (/hub)?/(health|metrics)/?`, part: "header (Content-Security-Policy|Content-Type|Set-Cookie .*)"},
	{row: "`/health` and `/metrics`", request: `(page )?\S+ GET (/hub)?/metrics`, part: "body", original: `"a page"`},
	{row: "`/health` and `/metrics`", request: `(page )?nobody (POST|OPTIONS) (/hub)?/health`, part: "answer", original: "40[35]", ours: "200|405"},
	{row: "`Content-Security-Policy` of pages", request: "page .*", part: "header Content-Security-Policy"},
	{row: "`Content-Type` of pages", request: "page .*", part: "header Content-Type", original: "text/html", ours: "text/html; charset=utf-8"},
	{row: "`Content-Type` of an answer without a body", request: "page .*", part: "header Content-Type", original: "text/html", ours: absent},
	{row: "Cookies of the hub", request: "page .*", part: "header Set-Cookie .*"},
	{row: "A method that a path does not know, by cookie without `_xsrf`", request: `page \S+ POST /hub/home`, part: "answer", original: "403", ours: "405"},
	{row: "Requests for a service below `/services/NAME/`", request: "page .* /services/reports.*", part: "answer", original: "200", ours: "302|401|403"},
	{row: wayIn, request: `page \S+ GET ((/hub)?/user/.*|/services/.*)`, part: "header (Location|X-Jupyterhub-Version|Access-Control-Allow-Headers)"},
	{row: wayIn, request: `page nobody GET /user/ada`, part: "status", original: "301", ours: "302"},
	{row: "Redirect from `/hub` to `/hub/`", request: `page \S+ GET /hub`, part: "answer", original: "301", ours: "302"},
	{row: "An XHR or a WebSocket without login, below `/user/` and `/services/`", request: `page nobody \S+ /hub/user/ada/api/.*`, part: "answer", original: "403", ours: "401"},
	{row: "Reports of browsers about `Content-Security-Policy`", request: `page nobody POST /hub/security/csp-report .*`, part: "answer", original: "403", ours: "204"},
	{row: "JSON with 424", request: "page .*/hub/user/.*", part: "body/(message|status)"},
	{row: "What a caller by token sees below `/hub/user/`", request: "page (ada|emmy) GET /hub/user/.*", part: "header Content-Type|body", original: `text/html|"a page"`},
	{row: "Writes to a server that is not running", request: "page ada PUT /hub/user/ada/.*", part: "answer", original: "405", ours: "424"},
	{row: "Addresses of servers after their user was renamed", part: "body/(.*/)?(full_)?url", original: `".*/user/(uma|una)/.*"`, ours: `".*/user/(uma|una)/.*"`},
	{row: "Target of the hub's own route in `GET /proxy`", request: `.* /proxy`, part: "body///target"},
	{row: "`state` of a server", part: "body/(.*/)?state(/.*)?"},
}

type compiledRule struct {
	rule
	request, part, original, ours *regexp.Regexp
	used                          int
}

// rules decide which differences are accepted, and count how often.
type rules struct{ list []*compiledRule }

func newRules(table []rule) *rules {
	r := new(rules)
	pattern := func(text string) *regexp.Regexp {
		if text == "" {
			text = `(?s:.*)`
		}
		return regexp.MustCompile(`^(?:` + text + `)$`)
	}
	for _, rule := range table {
		r.list = append(r.list, &compiledRule{
			rule: rule, request: pattern(rule.request), part: pattern(rule.part), original: pattern(rule.original), ours: pattern(rule.ours),
		})
	}
	return r
}

// check fails the test for differences that no rule accepts.
func (r *rules) check(t testing.TB, step step, found []difference) {
	t.Helper()
	if left := r.unexplained(step, found); len(left) > 0 {
		t.Errorf("%s: %s%s", step.at, step, describe(left))
	}
}

// unexplained are the differences that no rule accepts.
func (r *rules) unexplained(step step, found []difference) []difference {
	path, below := strings.CutPrefix(step.path, "/hub/api")
	request := step.caller + " " + step.method + " " + path
	if !below {
		request = "page " + request
	}
	if step.body != nil {
		request += " " + *step.body
	}
	for _, h := range step.header {
		request += " [" + h[0] + ": " + h[1] + "]"
	}
	var left []difference
	for _, d := range found {
		if d.part == "status" && r.accepts(request, difference{"answer", d.original, d.ours}) {
			return nil
		}
		if !r.accepts(request, d) {
			left = append(left, d)
		}
	}
	return left
}

func (r *rules) accepts(request string, d difference) bool {
	for _, rule := range r.list {
		if rule.part.MatchString(d.part) && rule.request.MatchString(request) && rule.original.MatchString(d.original) && rule.ours.MatchString(d.ours) {
			rule.used++
			return true
		}
	}
	return false
}

// checkUsed wants each rule to be of use, so that the table shrinks with the
// differences.
func (r *rules) checkUsed(t *testing.T) {
	t.Helper()
	for _, rule := range r.list {
		if rule.used == 0 {
			t.Errorf("this rule accepts nothing any more, remove it: %+v", rule.rule)
		}
	}
}

// TestAcceptedDifferences wants the reason for each rule in DIFFERENCES.md.
func TestAcceptedDifferences(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("DIFFERENCES.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, " | "); len(cells) == 4 {
			rows[strings.TrimPrefix(cells[0], "| ")] = true
		}
	}
	for _, rule := range accepted {
		if !rows[rule.row] {
			t.Errorf("DIFFERENCES.md has no row %q", rule.row)
		}
	}
}

func describe(found []difference) string {
	var text strings.Builder
	for _, d := range found {
		fmt.Fprintf(&text, "\n  %s", d)
	}
	return text.String()
}

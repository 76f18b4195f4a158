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
	// request is caller, method, path below /hub/api, and body, such as
	// `ada POST /users {"usernames": ["new"]}`.
	request string
	// part is that of a difference. "answer" accepts all that differs in an
	// answer, by its two statuses.
	part           string
	original, ours string
}

// wrongTypes is a row that many endpoints need.
const wrongTypes = "Values of the wrong type in a body"

// accepted are the differences that both DIFFERENCES.md and this table allow.
var accepted = []rule{
	{row: "`Cache-Control: no-store`, `X-Content-Type-Options: nosniff`", part: `header X-Content-Type-Options`, original: absent, ours: `nosniff`},
	{row: "`Cache-Control: no-store`, `X-Content-Type-Options: nosniff`", part: `header Cache-Control`, original: absent, ours: `no-store`},
	{row: "`Allow` with 405", part: `header Allow`, original: absent},

	{row: wrongTypes, request: `.* /users .*"usernames": ("new"|\[1\]|\[null, "new"\]|\[\["new"\]\]).*`, part: "answer", ours: "400"},
	{row: wrongTypes, request: `.* (/groups|/groups/[a-z-]+(/users)?) .*"(groups|users)": ("new-group"|\[1\]).*`, part: "answer", ours: "400"},
	{row: wrongTypes, request: `.* DELETE .*/servers?(/[a-z]*)? ("text"|7|\[1\]|\[\])`, part: "answer", ours: "400"},
	{row: wrongTypes, request: `.* DELETE .*/servers?(/[a-z]*)? {"remove": (1|"yes")}`, part: "answer", original: "404|204", ours: "400"},
	{row: wrongTypes, request: `.* DELETE .*/servers?(/[a-z]*)? {"remove": (1|"yes")}`, part: "body/message", ours: `"remove must be .*`},
	{row: wrongTypes, request: `.* POST .*/tokens {("note": 7|"expires_in": true)}`, part: "answer", original: "201", ours: "400"},
	{row: wrongTypes, request: `.* POST .*/shutdown {"proxy": \[\]}`, part: "answer", original: "500", ours: "400"},
	{row: "`POST /users` with a name twice", request: `.* {"usernames": \["NEW", "new"\]}`, part: "body"},
	{row: "`POST /users/{name}/tokens` by cookie without `_xsrf` and with a bad body", request: `cookie:.* POST .*/tokens .*`, part: "answer", original: "400", ours: "403"},
	{row: "Tokens with filtered `tokens!user=` of a service", request: `\[tokens!user=.*`, part: "answer", original: "403", ours: "20[01]"},
	{row: "Tokens with filtered `tokens!user=` of a service", request: `\[tokens!user=.*`, part: "answer", original: "403", ours: "400"},
	{row: "Unknown scopes for a service", request: `.* POST .*/services/.* {"oauth_client_allowed_scopes": .*`, part: "answer", original: "500", ours: "400"},
	{row: "`python`, `sys_executable` and the classes in `GET /info`", request: `.* /info`, part: "body/(python|sys_executable|(authenticator|spawner)/(class|version))"},
	{row: "`state` of a server", part: "body/(.*/)?state/.*"},
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

// unexplained are the differences that no rule accepts.
func (r *rules) unexplained(step step, found []difference) []difference {
	request := step.caller + " " + step.method + " " + strings.TrimPrefix(step.path, "/hub/api")
	if step.body != nil {
		request += " " + *step.body
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

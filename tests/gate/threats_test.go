package gate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// threats are how many there are of each kind.
var threats = []struct {
	kind   string
	number int
}{{"H", 9}, {"P", 10}, {"W", 8}, {"S", 12}, {"R", 3}, {"O", 10}, {"J", 6}, {"K", 5}, {"D", 10}}

var (
	threatRow = regexp.MustCompile(`(?m)^\| ([A-Z]\d+) \| (.+) \| (.+) \|$`)
	testName  = regexp.MustCompile("`([^` ]+)\\.((?:Test|Fuzz)\\w+)(?:/(\\w+))?`")
)

// TestThreats holds THREATS.md to the tests that there are.
func TestThreats(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("THREATS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := threatRow.FindAllStringSubmatch(string(table), -1)
	i := 0
	for _, kind := range threats {
		for number := 1; number <= kind.number; number++ {
			id := fmt.Sprintf("%s%d", kind.kind, number)
			if i >= len(rows) || rows[i][1] != id {
				t.Fatalf("row %d of the table should be %s", i+1, id)
			}
			tests := testName.FindAllStringSubmatch(rows[i][3], -1)
			if len(tests) == 0 || len(tests) != strings.Count(rows[i][3], "`")/2 {
				t.Errorf("%s: %q names no tests, or something else", id, rows[i][3])
			}
			for _, test := range tests {
				if !exists(t, test[1], test[2], test[3]) {
					t.Errorf("%s: there is no %s", id, strings.Trim(test[0], "`"))
				}
			}
			i++
		}
	}
	if i != len(rows) {
		t.Errorf("%d rows, want %d", len(rows), i)
	}
}

// exists tells whether a package has a test, and in the file of that test or in
// another of the package the name of a part of it.
func exists(t *testing.T, folder, name, part string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found, foundPart := false, part == ""
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(string(source), "\nfunc "+name+"(")
		foundPart = foundPart || strings.Contains(string(source), `"`+part+`"`)
	}
	return found && foundPart
}

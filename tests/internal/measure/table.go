package measure

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Table is a table in Markdown, with columns padded to be read as they are.
type Table struct {
	Head []string
	Rows [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write writes the table; the first column is aligned left, the others right.
func (t *Table) Write(w io.Writer) error {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row[:min(len(row), len(widths))] {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", max(width-1, 1)) + ":"
		if i == 0 {
			rule[i] = strings.Repeat("-", max(width, 1))
		}
	}
	for _, row := range append([][]string{t.Head, rule}, t.Rows...) {
		var line strings.Builder
		for i, width := range widths {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			padding := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if i == 0 {
				cell, padding = cell+padding, ""
			}
			line.WriteString("| " + padding + cell + " ")
		}
		if _, err := fmt.Fprintln(w, line.String()+"|"); err != nil {
			return err
		}
	}
	return nil
}

// Number writes a figure with about three digits that matter.
func Number(value float64) string {
	switch {
	case value >= 1000:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	return strconv.FormatFloat(value, 'f', 2, 64)
}

// Microseconds writes a duration in microseconds.
func Microseconds(d time.Duration) string {
	return Number(float64(d)/float64(time.Microsecond)) + " µs"
}

// Mebibytes writes a size in MiB.
func Mebibytes(size int64) string { return Number(float64(size)/(1<<20)) + " MiB" }

// Others writes what everybody else took of one core during the rounds, and
// whether that was too much.
func (r Result) Others() string {
	share := Median(r, func(round Round) float64 { return round.Others })
	text := strconv.FormatFloat(100*share, 'f', 1, 64) + " %"
	if r.Disturbed > 0 {
		text += fmt.Sprintf(" (%d of %d disturbed)", r.Disturbed, len(r.Rounds))
	}
	return text
}

// Compared is the usual table of a comparison: requests per second, CPU time of
// a request, both also as a ratio to the contender of the first row.
func Compared(results []Result) *Table {
	t := &Table{Head: []string{"", "requests/s", "times", "CPU/request", "times", "RSS", "CPU of others"}}
	if len(results) == 0 {
		return t
	}
	first := results[0]
	rate, cost := Median(first, Round.PerSecond), Median(first, Round.PerRequest)
	for _, result := range results {
		perSecond, perRequest := Median(result, Round.PerSecond), Median(result, Round.PerRequest)
		t.Add(result.Name,
			Number(perSecond), Number(perSecond/max(rate, 1e-9)),
			Microseconds(perRequest), Number(float64(perRequest)/float64(max(cost, 1))),
			Mebibytes(Median(result, func(r Round) int64 { return r.RSS })), result.Others())
	}
	return t
}

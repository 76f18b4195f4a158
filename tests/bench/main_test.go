// Package bench_test measures the hub beside the real JupyterHub, in one run on
// one machine: each pinned to one core, with the same users, servers and tokens,
// in turns. It prints tables and asserts on no time; what is asserted is that
// both answer what they are asked.
package bench_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
	"github.com/caddyhub/caddyhub/tests/internal/measure"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

// Cores of what is measured and of what measures.
const (
	measured  = 0
	measuring = 1
)

// number reads a setting of the run from the environment.
func number(b *testing.B, name string, standard int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		b.Fatalf("%s=%s is no positive number", name, text)
	}
	return value
}

// rounds are as many and as long as CADDYHUB_BENCH_ROUNDS and
// CADDYHUB_BENCH_MILLISECONDS say.
func rounds(b *testing.B) measure.Rounds {
	b.Helper()
	return measure.Rounds{
		Count:    number(b, "CADDYHUB_BENCH_ROUNDS", 3),
		Duration: time.Duration(number(b, "CADDYHUB_BENCH_MILLISECONDS", 1500)) * time.Millisecond,
	}
}

// Package telemetry_test looks at what a hub tells of itself: its logs, in which
// there must be no secret, its audit log and its metrics.
package telemetry_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

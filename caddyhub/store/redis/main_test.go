package redis_test

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
)

// TestMain silences the client, which tells standard error of every try to
// reach a server that a test has stopped.
func TestMain(m *testing.M) {
	logging.Disable()
	os.Exit(m.Run())
}

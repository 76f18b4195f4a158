// Package browser_test is the journey of a user, in a real browser, with a real
// JupyterLab and a real kernel: nothing between the keyboard and Python is a
// stand-in.
//
// Every tab keeps a record of what it asked for and what went wrong. At the end
// of each test the record must be clean: no failed request, no violation of a
// Content-Security-Policy, no exception, no request to another host.
package browser_test

import (
	"testing"

	"github.com/caddyhub/caddyhub/tests/internal/hubtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

package refresh_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/caddyhub/caddyhub/tests/internal/jupyterhub"
)

// TestSavesAtJupyterHub is the same day at the original, with the settings of the
// report: the first save after the server's memory of its visitor has run out is
// refused, and so are all that follow. That memory lasts 300 seconds; unless the
// test takes that long, it is made shorter. A page that has not loaded by then is
// refused parts of itself, and loaded again.
func TestSavesAtJupyterHub(t *testing.T) {
	t.Parallel()
	lasts, pause := working(t)
	memory := 300 * time.Second
	home := t.TempDir()
	service := startLoginService(t, time.Second, "http://localhost:")
	config, err := os.ReadFile("../../examples/external-login/jupyterhub_config.py")
	if err != nil {
		t.Fatal(err)
	}
	more := fmt.Sprintf("\nc.SimpleLocalProcessSpawner.home_dir_template = %q\n", filepath.Join(home, "{username}"))
	arguments := `"--allow-root"`
	if lasts < memory {
		memory = 30 * time.Second
		lasts = max(lasts, memory+3*pause)
		arguments += fmt.Sprintf(`, "--HubOAuth.cache_max_age=%d"`, int(memory.Seconds()))
	}
	more += "c.Spawner.args = [" + arguments + "]\nc.Spawner.http_timeout = 120\n"
	hub := jupyterhub.Start(t, jupyterhub.Options{
		Config: string(config) + more, Environment: []string{"LOGIN_SERVICE=" + service.url},
	})
	e := newEditor(t, lasts, memory, hub.URL, service, filepath.Join(home, "ada"))
	e.work(lasts, pause)
	t.Logf("%d saves in %s, %d failed: %v", e.saves, lasts, len(e.failed), e.failed)
	if !slices.Contains(e.failed, http.StatusForbidden) {
		t.Errorf("JupyterHub refused no save: the report is not reproduced")
	}
}

// putAway closes what the editor says about a failure.
func (e *editor) putAway() {
	e.t.Helper()
	e.tab.until(dialog)
	if e.told == "" {
		e.told = e.tab.text(dialog + ".innerText")
		e.t.Logf("the editor says %q", e.told)
		e.tab.show("refused")
	}
	e.tab.do(chromedp.Click(`.jp-Dialog button`, chromedp.ByQuery))
}

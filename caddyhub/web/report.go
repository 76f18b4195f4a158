package web

import (
	"io"
	"net/http"
)

// maxReport bounds a report about a violated policy, in bytes.
const maxReport = 64 << 10

// policyReport takes what browsers send by themselves when a page of ours did
// what its Content-Security-Policy forbids. Nobody is asked for a login or a
// token: browsers have none to send, and nothing comes of it but a line in the
// log.
func (c *call) policyReport() error {
	report, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxReport))
	if err != nil {
		return &failure{status: http.StatusRequestEntityTooLarge, message: "The report is too long."}
	}
	c.log.DebugContext(c.r.Context(), "browser reports a violated policy", "report", string(report))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

package chp_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestInternalTLS: what JupyterHub's internal_ssl asks for. The API wants a
// certificate of its authority, and targets are verified by one and shown one.
func TestInternalTLS(t *testing.T) {
	t.Parallel()
	cert, key := identity()
	p := start(t, launch{program: program(), options: []string{
		"--api-ssl-cert", cert, "--api-ssl-key", key, "--api-ssl-ca", cert, "--api-ssl-request-cert", "--api-ssl-reject-unauthorized",
		"--client-ssl-cert", cert, "--client-ssl-key", key, "--client-ssl-ca", cert, "--client-ssl-request-cert", "--client-ssl-reject-unauthorized",
	}})
	p.waitFor("Proxy API at https://" + p.api)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	upstream.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	upstream.StartTLS()
	defer upstream.Close()
	with(t, p, func(c *ask) {
		address := "https://" + p.api + "/api/routes/secure"
		if response, err := c.client.Get(address); err == nil {
			t.Errorf("the API without a certificate: %d", response.StatusCode)
			_ = response.Body.Close()
		}
		c.client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{pair}
		body := `{"target":"` + upstream.URL + `"}`
		c.equal("with one", c.do(http.MethodPost, address, body, "Authorization: token "+token).Status, http.StatusCreated)
		c.equal("without the token", c.do(http.MethodGet, address, "").Status, http.StatusForbidden)
		c.equal("the target", c.get("/secure/x").Status, http.StatusOK)
	})
}

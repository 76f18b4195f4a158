package adminapi

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/netip"

	"github.com/caddyhub/caddyhub/caddyhub/authenticator"
	"github.com/caddyhub/caddyhub/caddyhub/hub"
)

// forgive forgets failed logins of a user, of the network of an address, or the
// count of all together. The answer has the seconds that somebody would still have
// had to wait.
func (a *Admin) forgive(w http.ResponseWriter, r *http.Request, site *hub.Site) error {
	var request struct {
		User   string     `json:"user"`
		Remote netip.Addr `json:"remote"`
		All    bool       `json:"all"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return problem(http.StatusBadRequest, "the request is not the expected JSON: "+err.Error())
	}
	forgiven := authenticator.Forgiven{User: request.User, Remote: request.Remote, Global: request.All}
	if forgiven == (authenticator.Forgiven{}) {
		return problem(http.StatusBadRequest, `nothing to forgive; name a "user", a "remote" address, or say "all": true`)
	}
	wait, err := site.ForgiveLogins(r.Context(), forgiven)
	switch {
	case errors.Is(err, authenticator.ErrUnavailable):
		return problem(http.StatusServiceUnavailable, "the store is out of reach")
	case err != nil:
		return problem(http.StatusInternalServerError, err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]float64{"waited": math.Ceil(wait.Seconds())})
}

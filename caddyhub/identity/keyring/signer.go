package keyring

// Signer signs for one purpose, for packages that know nothing of rings.
type Signer struct {
	ring    *Ring
	purpose string
}

// Signer returns a signer for a purpose.
func (r *Ring) Signer(purpose string) Signer { return Signer{r, purpose} }

// Sign returns the MAC of data with the key in force.
func (s Signer) Sign(data []byte) []byte { return s.ring.MAC(s.purpose, data) }

// Verify says whether mac is the MAC of data under any key of the ring.
func (s Signer) Verify(data, mac []byte) bool { return s.ring.Verify(s.purpose, mac, data) }

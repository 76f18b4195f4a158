package route

// HasHost tells whether there is a route for this very host, which may have a port
// and upper case letters. Routes for every host do not count.
func (t *Table) HasHost(host string) bool {
	host = canonicalHost(host)
	return host != "" && t.find(t.current.Load().hosts, host) != nil
}

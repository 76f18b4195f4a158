package app

// Origins are what the app finds out about where its hub is served: the public
// and the local origin, empty if there is none.
func (a *App) Origins() (public, local string) {
	if origin := a.publicURL(); origin != nil {
		public = origin.String()
	}
	if origin := a.localURL(); origin != nil {
		local = origin.String()
	}
	return public, local
}

// InternalAddress is where the app would listen for servers.
func (a *App) InternalAddress() string { return a.internalAddress() }

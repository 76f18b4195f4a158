package api

// Changing are the endpoints that change something: method and path.
func (a *API) Changing() [][2]string {
	var all [][2]string
	for _, path := range a.routes.paths {
		for method := range path.byMethod {
			if !safe(method) {
				all = append(all, [2]string{method, path.pattern})
			}
		}
	}
	return all
}

// Named says whether the audit log has a name for an endpoint.
func Named(method, pattern string) bool {
	_, known := actions[method+" "+pattern]
	return known
}

// Endpoints are all of them: method and path.
func (a *API) Endpoints() [][2]string {
	var all [][2]string
	for _, path := range a.routes.paths {
		for method := range path.byMethod {
			all = append(all, [2]string{method, path.pattern})
		}
	}
	return all
}

// Actions are the endpoints that the audit log has names for.
func Actions() int { return len(actions) }

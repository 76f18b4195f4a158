package page

import (
	"io/fs"
	"net/http"
)

type asset struct{}

type assets struct{ version string }

func readAssets(fs.FS) (*assets, error) { return &assets{}, nil }

func (p *Pages) readLogo() (*asset, error) { return nil, nil }

func (p *Pages) serveStatic(http.ResponseWriter, *http.Request) {}

func (p *Pages) serveLogo(http.ResponseWriter, *http.Request) {}

package subdomain

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ErrDomain says that a text does not name a host that others can be below.
var ErrDomain = errors.New("subdomain: not a host")

// ErrScheme says that users would be reached by another scheme than the hub.
var ErrScheme = errors.New("subdomain: not the scheme of the hub")

// Domain is the host below which users and services have theirs. The zero Domain
// stands for a hub where all share one host and are told apart by path.
type Domain struct {
	scheme, name, port string
	// hub is the host of the hub without its port: cookies know no ports, so that
	// it must not be anybody else's on another port either.
	hub string
}

// Parse reads what is configured: "hub.example.org", with a port if it is not that
// of the hub's own address. A scheme may be written too, but must be the hub's,
// whose cookies depend on it. hub is that address; nil if it is not known, which
// makes https the scheme. Errors wrap ErrDomain or ErrScheme.
func Parse(text string, hub *url.URL) (Domain, error) {
	d := Domain{scheme: "https"}
	if hub != nil {
		d.scheme = hub.Scheme
	}
	host := strings.TrimSuffix(text, "/")
	if scheme, rest, found := strings.Cut(host, "://"); found {
		d.scheme, host = scheme, rest
	}
	host, ok := Canonical(host, d.secure())
	if !ok || d.scheme != "http" && d.scheme != "https" || strings.HasPrefix(host, "[") {
		return Domain{}, fmt.Errorf("%w: %q; write a host such as hub.example.org", ErrDomain, text)
	}
	d.name, d.port, _ = strings.Cut(host, ":")
	if last := d.name[strings.LastIndexByte(d.name, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return Domain{}, fmt.Errorf("%w: %q is an address, which nothing can be below", ErrDomain, text)
	}
	if len(d.name)+1+maxLabel > maxName {
		return Domain{}, fmt.Errorf("%w: %q is too long to have others below it", ErrDomain, text)
	}
	if hub == nil {
		return d, nil
	}
	if d.scheme != hub.Scheme {
		return Domain{}, fmt.Errorf("%w: %q is not below %s", ErrScheme, text, hub)
	}
	own, ok := Canonical(hub.Host, hub.Scheme == "https")
	if !ok {
		return Domain{}, fmt.Errorf("%w: the hub's %q", ErrDomain, hub.Host)
	}
	var port string
	d.hub, port, _ = cutPort(own)
	if _, _, written := cutPort(text[strings.LastIndexByte(strings.TrimSuffix(text, "/"), '/')+1:]); !written {
		d.port = port
	}
	return d, nil
}

func (d Domain) secure() bool { return d.scheme == "https" }

// IsZero tells whether all share one host.
func (d Domain) IsZero() bool { return d.name == "" }

// Name is the host that the others are below, without a port.
func (d Domain) Name() string { return d.name }

// Host is the host that the others are below, with its port unless that is the
// default one.
func (d Domain) Host() string { return d.AtPort(d.name) }

// OfUser is the host of a user, in canonical form.
func (d Domain) OfUser(name string) string { return d.host(d.labelOf(name)) }

// OfService is the host of a service, in canonical form.
func (d Domain) OfService(name string) string { return d.host(serviceLabel(name)) }

// Origin is the origin that a host of this domain has to browsers.
func (d Domain) Origin(host string) string { return d.scheme + "://" + host }

// Owns tells whether a host, in canonical form, could belong to a user or a
// service: it is one label below the domain and not the hub's.
func (d Domain) Owns(host string) bool {
	label, ok := d.label(host)
	return ok && label+"."+d.name != d.hub
}

// User is the user whom a host belongs to, if such a user exists. ok is false for
// hosts of services, of nobody, and those that are made of a hash, which nobody
// can read backwards.
func (d Domain) User(host string) (name string, ok bool) {
	label, ok := d.label(host)
	if !ok || !d.Owns(host) {
		return "", false
	}
	name, ok = nameOf(label)
	return name, ok && d.labelOf(name) == label
}

// Service is the service that a host belongs to, if such a service exists, with
// the same exceptions as User.
func (d Domain) Service(host string) (name string, ok bool) {
	label, ok := d.label(host)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(label, serviceSuffix)
	return name, ok && serviceLabel(name) == label
}

// AtPort is the host, in canonical form, that has a name at the port of the domain.
func (d Domain) AtPort(name string) string {
	if d.port == "" {
		return name
	}
	return name + ":" + d.port
}

// Below tells whether a host as a client wrote it, canonical or not, is the domain
// or anything below it: nothing but what Owns may be answered there.
func (d Domain) Below(host string) bool {
	name, _, _ := cutPort(strings.ToLower(strings.TrimSpace(host)))
	name = strings.TrimRight(name, ".")
	return !d.IsZero() && (name == d.name || strings.HasSuffix(name, "."+d.name))
}

// labelOf is userLabel, except that nobody is where the hub is.
func (d Domain) labelOf(name string) string {
	label := userLabel(name)
	if label+"."+d.name == d.hub {
		return hashedLabel(name)
	}
	return label
}

func (d Domain) host(label string) string { return label + "." + d.Host() }

// label is the one label of a host below the domain.
func (d Domain) label(host string) (label string, ok bool) {
	if d.IsZero() {
		return "", false
	}
	label, ok = strings.CutSuffix(host, d.host("")) // a dot, the domain and its port
	return label, ok && label != "" && strings.Trim(label, labelLetters) == ""
}

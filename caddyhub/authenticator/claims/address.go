package claims

import (
	"fmt"
	"slices"
	"strings"
)

// SplitAddress takes an e-mail address apart. ok is false for everything that two
// programs may read in different ways: several "@", quotes, space, and domains that
// are not host names in ASCII. The domain is in lower case.
func SplitAddress(address string) (local, domain string, ok bool) {
	local, domain, ok = strings.Cut(address, "@")
	if !ok || local == "" || len(address) > maxAddress || strings.ContainsFunc(local, ambiguous) || !hostName(domain) {
		return "", "", false
	}
	return local, strings.ToLower(domain), true
}

// maxAddress is the longest address that mail can reach, in bytes (RFC 5321,
// section 4.5.3.1.3).
const maxAddress = 254

// ambiguous are characters that need quotes in a local part (RFC 5322), and those
// that nobody sees.
func ambiguous(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`@"(),:;<>[\]`, r)
}

func hostName(domain string) bool {
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}) {
			return false
		}
	}
	return len(labels) > 1
}

// cleanDomains brings configured domains into the form that SplitAddress returns.
func cleanDomains(domains []string) ([]string, error) {
	clean := make([]string, 0, len(domains))
	for _, domain := range domains {
		if !hostName(domain) {
			return nil, fmt.Errorf("allowed_domains: %q is no domain; write one such as example.org, without \"@\" or \"*\"", domain)
		}
		clean = append(clean, strings.ToLower(domain))
	}
	slices.Sort(clean)
	return slices.Compact(clean), nil
}

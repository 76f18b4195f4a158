package jwks

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// parsePEM reads public keys and certificates, several if there are: the old and
// the new one while keys change.
func parsePEM(data []byte) (keySet, error) {
	var set keySet
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		public, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("jwks: %w", err)
		}
		k, err := newKey("", "", public)
		if err != nil {
			return nil, fmt.Errorf("jwks: %w", err)
		}
		set = append(set, k)
	}
	if len(set) == 0 || len(bytes.TrimSpace(data)) > 0 {
		return nil, errors.New("jwks: this is no public key in PEM")
	}
	return set, nil
}

func parseBlock(block *pem.Block) (crypto.PublicKey, error) {
	switch {
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errors.New("this is a private key: give the public one, the private one stays with who signs")
	case block.Type == "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case block.Type == "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	}
	return nil, fmt.Errorf("a PEM block of type %.40q is no public key", block.Type)
}

package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// TestMetadataIsNoUpstream: whatever name a target has, what counts is where it
// leads.
func TestMetadataIsNoUpstream(t *testing.T) {
	for _, scheme := range []string{"http", "https", "h2c"} {
		p := New(Options{})
		p.dialer.Resolver = resolver(t, [4]byte{169, 254, 169, 254})
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/latest/meta-data/", nil)
		err := p.Serve(w, r, &Exchange{Target: target(t, scheme+"://rebound.example:80")})
		if !errors.Is(err, ErrUnreachable) || !errors.Is(err, errMetadata) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	for address, want := range map[string]error{
		"[::ffff:169.254.169.254]:80": errMetadata, "[fd00:ec2::254%eth0]:80": errMetadata, "100.100.100.200:443": errMetadata,
		"169.254.1.2:80": nil, "127.0.0.1:80": nil, "[::1]:80": nil, "/run/169.254.169.254": nil,
	} {
		if err := refuseMetadata("tcp", address, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// resolver has all names lead to one address.
func resolver(t *testing.T, address [4]byte) *net.Resolver {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var message dnsmessage.Message
			if message.Unpack(buffer[:n]) != nil || len(message.Questions) != 1 {
				continue
			}
			message.Response, message.Additionals = true, nil
			if question := message.Questions[0]; question.Type == dnsmessage.TypeA {
				message.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 60},
					Body:   &dnsmessage.AResource{A: address},
				}}
			}
			if answer, err := message.Pack(); err == nil {
				_, _ = server.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

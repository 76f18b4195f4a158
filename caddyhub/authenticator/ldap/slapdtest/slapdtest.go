// Package slapdtest starts a real slapd for a test, as an ordinary process with
// its own folder and its own entries, and ends it with the test.
package slapdtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	// Suffix is the DN that everything is below.
	Suffix = "dc=example,dc=org"
	// Root may do everything, with RootPassword.
	Root = "cn=root," + Suffix
	// RootPassword is the password of Root.
	RootPassword = "root password"
)

// startTimeout is how long a server may take to answer.
const startTimeout = 30 * time.Second

// Options of a Server.
type Options struct {
	// LDIF are the entries, Suffix among them.
	LDIF string
	// Access are lines "access to ..." of slapd.conf. Default: passwords may be
	// tried, users may read everything.
	Access string
	// Extra are further lines of slapd.conf, of the database.
	Extra string
}

// Server is a running slapd.
type Server struct {
	// URL is ldap://127.0.0.1:PORT, where it offers StartTLS, and SecureURL
	// ldaps://127.0.0.1:PORT.
	URL       string
	SecureURL string
	// Authority is the path of the certificate that signed that of the server. The
	// server's is for 127.0.0.1 and ldap.example.org.
	Authority string

	t       testing.TB
	folder  string
	process *exec.Cmd
	log     *os.File
}

const defaultAccess = `access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by * auth
`

// Start starts a server. Without slapd the test is skipped, or fails when
// CADDYHUB_TEST_REQUIRE is 1.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	slapd, add := find("slapd"), find("slapadd")
	if slapd == "" || add == "" {
		if os.Getenv("CADDYHUB_TEST_REQUIRE") == "1" {
			t.Fatal("this test needs slapd")
		}
		t.Skip("this test needs slapd")
	}
	s := &Server{t: t, folder: t.TempDir()}
	s.Authority = filepath.Join(s.folder, "ca.pem")
	s.certify()
	s.write("slapd.conf", s.configuration(options))
	s.write("data.ldif", options.LDIF)
	if err := os.Mkdir(filepath.Join(s.folder, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), add, "-f", s.path("slapd.conf"), "-l", s.path("data.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	s.URL, s.SecureURL = "ldap://127.0.0.1:"+freePort(t), "ldaps://127.0.0.1:"+freePort(t)
	s.Restart()
	t.Cleanup(s.Stop)
	return s
}

// find looks where Debian has programs for administrators, too.
func find(program string) string {
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (s *Server) configuration(options Options) string {
	access := options.Access
	if access == "" {
		access = defaultAccess
	}
	var text strings.Builder
	for _, schema := range []string{"core", "cosine", "inetorgperson", "nis"} {
		fmt.Fprintf(&text, "include /etc/ldap/schema/%s.schema\n", schema)
	}
	fmt.Fprintf(&text, "pidfile %[1]s/pid\nargsfile %[1]s/args\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\n"+
		"TLSCACertificateFile %[1]s/ca.pem\nTLSCertificateFile %[1]s/server.pem\nTLSCertificateKeyFile %[1]s/server.key\n"+
		"referral ldap://elsewhere.example.org\nsizelimit 500\ndatabase mdb\nsuffix %[2]q\nrootdn %[3]q\nrootpw %[4]q\ndirectory %[1]s/data\n%[5]s\n%[6]s",
		s.folder, Suffix, Root, RootPassword, options.Extra, access)
	return text.String()
}

// Restart starts a server again that was stopped, with the entries that it had.
func (s *Server) Restart() {
	s.t.Helper()
	if s.process != nil {
		s.t.Fatal("slapdtest: Restart of a running server")
	}
	log, err := os.Create(s.path("log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = log
	// With -d it stays in the foreground.
	s.process = exec.Command(find("slapd"), "-h", s.URL+"/ "+s.SecureURL+"/", "-f", s.path("slapd.conf"), "-d", "stats")
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		s.t.Fatalf("start slapd: %v", err)
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(10 * time.Millisecond) {
		conn, err := ldap.DialURL(s.URL)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("slapd does not answer: %v\n%s", err, s.Log())
		}
	}
}

// Stop ends the server.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // says only that a signal ended it
	_ = s.log.Close()
	s.process = nil
}

// Log is what the server has logged since it was started: each operation in a
// line of its own, "BIND dn=...", without passwords.
func (s *Server) Log() string {
	s.t.Helper()
	text, err := os.ReadFile(s.path("log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// Admin is a connection that may do everything; the caller closes it.
func (s *Server) Admin() *ldap.Conn {
	s.t.Helper()
	conn, err := ldap.DialURL(s.URL)
	if err == nil {
		err = conn.Bind(Root, RootPassword)
	}
	if err != nil {
		s.t.Fatalf("slapdtest: %v", err)
	}
	return conn
}

// Modify changes one attribute of an entry to these values; none deletes it.
func (s *Server) Modify(dn, attribute string, values ...string) {
	s.t.Helper()
	conn := s.Admin()
	defer conn.Close()
	request := ldap.NewModifyRequest(dn, nil)
	request.Replace(attribute, values)
	if err := conn.Modify(request); err != nil {
		s.t.Fatalf("slapdtest: %v", err)
	}
}

// Delete removes an entry.
func (s *Server) Delete(dn string) {
	s.t.Helper()
	conn := s.Admin()
	defer conn.Close()
	if err := conn.Del(ldap.NewDelRequest(dn, nil)); err != nil {
		s.t.Fatalf("slapdtest: %v", err)
	}
}

func (s *Server) path(name string) string { return filepath.Join(s.folder, name) }

func (s *Server) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func freePort(t testing.TB) string {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// WaitFor waits until a text is in the log, from an offset on.
func (s *Server) WaitFor(text string, offset int) {
	s.t.Helper()
	for deadline := time.Now().Add(startTimeout); !strings.Contains(s.Log()[offset:], text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("slapd does not log %q:\n%s", text, s.Log()[offset:])
		}
	}
}

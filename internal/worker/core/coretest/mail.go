package coretest

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// MailServer is a real SMTP server that keeps what it was sent. Its users have
// the password "hush".
type MailServer struct {
	// Address is host and port, CA a file of the certificate to trust.
	Address, CA string

	mu       sync.Mutex
	received []Letter                        // guarded by mu
	refuse   func(command, arg string) error // guarded by mu
}

// Letter is a message with its envelope.
type Letter struct {
	From string
	To   []string
	Text string
	// User is who signed in, TLS whether the connection was encrypted.
	User string
	TLS  bool
}

// StartMail serves with "starttls", with "tls" from the start, or with "none".
func StartMail(t testing.TB, mode string) *MailServer {
	t.Helper()
	s := &MailServer{}
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	s.CA = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	require.NoError(t, os.WriteFile(s.CA, text, 0o600))
	config := &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}

	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "mail.test", mode == "none", true
	server.ErrorLog = log.New(t.Output(), "", 0)
	if mode == "starttls" {
		server.TLSConfig = config
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.Address = listener.Addr().String()
	if mode == "tls" {
		listener = tls.NewListener(listener, config)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.NoError(t, <-done)
	})
	return s
}

// Letters returns the messages that have arrived.
func (s *MailServer) Letters() []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Letter{}, s.received...)
}

// Refuse makes the server answer MAIL, RCPT and DATA with the errors that f returns.
func (s *MailServer) Refuse(f func(command, arg string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

func (s *MailServer) answer(command, arg string) error {
	s.mu.Lock()
	f := s.refuse
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(command, arg)
}

// NewSession implements [smtp.Backend].
func (s *MailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

type session struct {
	server *MailServer
	conn   *smtp.Conn
	user   string
	letter Letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "hush" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	_, encrypted := s.conn.TLSConnectionState()
	s.letter = Letter{From: from, User: s.user, TLS: encrypted}
	return s.server.answer("MAIL", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.To = append(s.letter.To, to)
	return s.server.answer("RCPT", to)
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.server.answer("DATA", ""); err != nil {
		return err
	}
	s.letter.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.letter)
	return nil
}

func (s *session) Reset() { s.letter = Letter{} }

func (s *session) Logout() error { return nil }

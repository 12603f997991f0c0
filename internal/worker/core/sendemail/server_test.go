package sendemail_test

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

// mailServer is a real SMTP server that keeps what it was sent.
type mailServer struct {
	address string
	ca      string // file of the certificate to trust

	mu       sync.Mutex
	received []letter                        // guarded by mu
	refuse   func(command, arg string) error // guarded by mu
}

// letter is a message with its envelope.
type letter struct {
	from string
	to   []string
	text string
	user string
	tls  bool
}

// startServer serves with STARTTLS, with TLS from the start, or without any.
func startServer(t *testing.T, mode string) *mailServer {
	t.Helper()
	s := &mailServer{}
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	s.ca = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	require.NoError(t, os.WriteFile(s.ca, text, 0o600))
	config := &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}

	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "mail.test", mode == "none", true
	server.ErrorLog = log.New(t.Output(), "", 0)
	if mode == "starttls" {
		server.TLSConfig = config
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.address = listener.Addr().String()
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

func (s *mailServer) letters() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]letter{}, s.received...)
}

// refusing makes the server answer commands with errors.
func (s *mailServer) refusing(f func(command, arg string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

func (s *mailServer) answer(command, arg string) error {
	s.mu.Lock()
	f := s.refuse
	s.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(command, arg)
}

// NewSession implements [smtp.Backend].
func (s *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

type session struct {
	server *mailServer
	conn   *smtp.Conn
	user   string
	letter letter
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
	s.letter = letter{from: from, user: s.user, tls: encrypted}
	return s.server.answer("MAIL", from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = append(s.letter.to, to)
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
	s.letter.text = strings.ReplaceAll(string(text), "\r\n", "\n")
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.letter)
	return nil
}

func (s *session) Reset() { s.letter = letter{} }

func (s *session) Logout() error { return nil }

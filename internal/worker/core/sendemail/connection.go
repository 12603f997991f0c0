package sendemail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/connection"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

// security says how a connection is encrypted.
type security int

const (
	startTLS    security = iota // begins in the clear and turns to TLS before anything else
	implicitTLS                 // TLS from the first byte
	plainText                   // on this machine only
)

// Connection is a mail server that jobs may use by its name.
type Connection struct {
	Name string

	host     string
	port     int
	security security
	user     string
	password func() (string, error)
	roots    *x509.CertPool // nil for the system's
	senders  []string       // allowed ones; the first may be the default
	allowed  []string       // recipients; none allows all
}

// Connections are the mail servers that jobs may use.
type Connections = connection.Set[*Connection]

// ParseConnections reads connections of the form NAME=URL, where the URL is
//
//	smtp://[USER[:PASSWORD]@]HOST[:PORT]    STARTTLS, which the server must offer; port 587
//	smtps://[USER[:PASSWORD]@]HOST[:PORT]   TLS from the start; port 465
//
// with any of the parameters
//
//	from=ADDRESS    a sender that jobs may name, or *@DOMAIN; the first plain one
//	                is the default; without any, jobs may name every sender
//	to=ADDRESS      a recipient that jobs may name, or *@DOMAIN; without any, all
//	secret=NAME     the secret that is the password
//	ca=FILE         certificates to trust in place of the system's
//	tls=none        no encryption, for a server on this machine's loopback address
//
// Errors never repeat a URL, which may hold a password.
func ParseConnections(specs []string, secrets *secret.Store) (*Connections, error) {
	return connection.Parse("SMTP", "smtp-connection", specs, func(name, target string) (*Connection, error) {
		return parseConnection(name, target, secrets)
	})
}

func parseConnection(name, target string, secrets *secret.Store) (*Connection, error) {
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("its URL is not of the form smtp://USER@HOST:PORT")
	}
	c := &Connection{Name: name, host: u.Hostname(), port: 587, user: u.User.Username()}
	switch u.Scheme {
	case "smtp":
	case "smtps":
		c.security, c.port = implicitTLS, 465
	default:
		return nil, fmt.Errorf("its URL begins with %q, want smtp or smtps", u.Scheme)
	}
	if text := u.Port(); text != "" {
		if c.port, err = strconv.Atoi(text); err != nil {
			return nil, errors.New("its port is not a number")
		}
	}
	if password, ok := u.User.Password(); ok {
		c.password = func() (string, error) { return password, nil }
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its URL's parameters cannot be read")
	}
	for parameter, values := range query {
		if err := c.set(parameter, values, secrets); err != nil {
			return nil, err
		}
	}
	if (c.user == "") != (c.password == nil) {
		return nil, errors.New("a user name and a password, or a secret, belong together")
	}
	return c, nil
}

func (c *Connection) set(parameter string, values []string, secrets *secret.Store) error {
	value := values[0]
	switch parameter {
	case "from":
		c.senders = lower(values)
	case "to":
		c.allowed = lower(values)
	case "secret":
		if _, err := secrets.Value(value); err != nil {
			return err
		}
		c.password = func() (string, error) { return secrets.Value(value) }
	case "ca":
		text, err := os.ReadFile(value)
		if err != nil {
			return err
		}
		c.roots = x509.NewCertPool()
		if !c.roots.AppendCertsFromPEM(text) {
			return fmt.Errorf("%s holds no certificate", value)
		}
	case "tls":
		if value != "none" || c.security != startTLS {
			return errors.New("tls=none is the only choice, and for smtp: only")
		}
		if !connection.IsLoopback(c.host) {
			return errors.New("tls=none would show mail and password to the network; it is for a server on localhost")
		}
		c.security = plainText
	default:
		return fmt.Errorf("parameter %q is not known", parameter)
	}
	return nil
}

func lower(values []string) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = strings.ToLower(v)
	}
	return list
}

// defaultSender is "" if the connection names none.
func (c *Connection) defaultSender() string {
	for _, sender := range c.senders {
		if !wildcard.Is(sender) {
			return sender
		}
	}
	return ""
}

func (c *Connection) allowsSender(address string) bool {
	return len(c.senders) == 0 || wildcard.Any(c.senders, strings.ToLower(address))
}

func (c *Connection) allowsRecipient(address string) bool {
	return len(c.allowed) == 0 || wildcard.Any(c.allowed, strings.ToLower(address))
}

// client returns a client for one message, and the connection it will have made.
func (c *Connection) client(timeout time.Duration) (*mail.Client, *dialed, error) {
	d := &dialed{to: c}
	options := []mail.Option{
		mail.WithPort(c.port), mail.WithTimeout(timeout), mail.WithTLSConfig(c.tlsConfig()), mail.WithDialContextFunc(d.dial),
	}
	switch c.security {
	case startTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case implicitTLS:
		// The dialer makes the TLS connection; the client finds that it is one.
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case plainText:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if c.password != nil {
		password, err := c.password()
		if err != nil {
			return nil, nil, err
		}
		auth := mail.SMTPAuthAutoDiscover
		if c.security == plainText {
			auth = mail.SMTPAuthPlainNoEnc // nobody listens on the loopback
		}
		options = append(options, mail.WithSMTPAuth(auth), mail.WithUsername(c.user), mail.WithPassword(password))
	}
	client, err := mail.NewClient(c.host, options...)
	return client, d, err
}

func (c *Connection) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.host, MinVersion: tls.VersionTLS12, RootCAs: c.roots}
}

// dialed keeps hold of a client's network connection, which the client itself
// forgets when it fails, and does not end when the context does.
type dialed struct {
	to *Connection

	mu     sync.Mutex
	conn   net.Conn // guarded by mu
	closed bool     // guarded by mu
}

func (d *dialed) dial(ctx context.Context, network, address string) (net.Conn, error) {
	// The operator named the host, so any address is fine, except that a plain
	// connection stays on this machine whatever the name resolves to.
	conn, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !d.hold(conn) {
		return nil, net.ErrClosed
	}
	switch d.to.security {
	case plainText:
		if addr, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !addr.Addr().Unmap().IsLoopback() {
			return nil, fmt.Errorf("%s is not on this machine", address)
		}
	case implicitTLS:
		encrypted := tls.Client(conn, d.to.tlsConfig())
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return encrypted, nil
	case startTLS:
	}
	return conn, nil
}

// hold returns false if the connection is not wanted any more.
func (d *dialed) hold(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = conn
	if d.closed {
		_ = conn.Close()
	}
	return !d.closed
}

// close ends the connection, also one that is still to come.
func (d *dialed) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.conn != nil {
		_ = d.conn.Close()
	}
}

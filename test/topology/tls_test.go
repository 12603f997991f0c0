package topology

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// serverName is what the test's certificates are made out to.
const serverName = "redis.test"

// authority makes certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.issue(t, "ca")
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// issue writes name.crt and name.key; the first is the authority's own.
func (a *authority) issue(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{serverName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: a.cert == nil,
	}
	signer, signerKey := a.cert, a.key
	if signer == nil {
		signer, signerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, signerKey)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	for file, block := range map[string]*pem.Block{
		name + ".crt": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "EC PRIVATE KEY", Bytes: keyDER},
	} {
		require.NoError(t, os.WriteFile(a.file(file), pem.EncodeToMemory(block), 0o600))
	}
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.issue(t, "server")
	ca.issue(t, "client")
	port, err := testenv.FreePort()
	require.NoError(t, err)
	testenv.StartRedis(t, "--tls-port", strconv.Itoa(port), "--tls-auth-clients", "yes", "--tls-ca-cert-file", ca.file("ca.crt"),
		"--tls-cert-file", ca.file("server.crt"), "--tls-key-file", ca.file("server.key"))
	address := "rediss://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port))

	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	pair, err := tls.LoadX509KeyPair(ca.file("client.crt"), ca.file("client.key"))
	require.NoError(t, err)
	parameters := url.Values{"ca": {ca.file("ca.crt")}, "cert": {ca.file("client.crt")}, "key": {ca.file("client.key")}, "server_name": {serverName}}
	withCertificate := url.Values{"cert": parameters["cert"], "key": parameters["key"]}

	tests := map[string]struct {
		url    string
		config *tls.Config
		err    string
	}{
		"by options":              {url: address, config: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: serverName}},
		"by the URL":              {url: address + "?" + parameters.Encode()},
		"unchecked server":        {url: address + "?skip_verify=true&" + withCertificate.Encode()},
		"wrong name":              {url: address, config: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}, err: "127.0.0.1"},
		"unknown authority":       {url: address + "?server_name=" + serverName + "&" + withCertificate.Encode(), err: "unknown authority"},
		"no client certificate":   {url: address, config: &tls.Config{RootCAs: pool, ServerName: serverName}, err: "connect"},
		"configured, but not TLS": {url: "redis" + address[len("rediss"):], config: &tls.Config{}, err: "rediss://"},
		"missing file":            {url: address + "?ca=nowhere", err: "nowhere"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := &bullmq.RedisOptions{TLS: test.config}
			if test.err != "" {
				_, err := bullmq.OpenRedis(t.Context(), test.url, opts)
				require.ErrorContains(t, err, test.err)
				return
			}
			roundTrip(t, openRedis(t, test.url, opts), bullmq.QueueRef{Prefix: "bull", Name: name})
		})
	}
}

package safedial_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/jobrunner-dev/jobrunner/internal/safedial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestIsPublic(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"8.8.8.8":                   true,
		"172.32.0.1":                true,
		"2606:4700:4700::1111":      true,
		"::ffff:8.8.8.8":            true,
		"64:ff9b::808:808":          true,
		"127.0.0.1":                 false,
		"0.0.0.0":                   false,
		"10.1.2.3":                  false,
		"172.16.0.1":                false,
		"192.168.1.1":               false,
		"100.64.0.1":                false,
		"100.100.100.200":           false,
		"168.63.129.16":             false,
		"169.254.169.254":           false,
		"192.0.0.192":               false,
		"224.0.0.1":                 false,
		"255.255.255.255":           false,
		"::":                        false,
		"::1":                       false,
		"::ffff:127.0.0.1":          false,
		"::ffff:169.254.169.254":    false,
		"64:ff9b::7f00:1":           false,
		"64:ff9b:1::1":              false,
		"fe80::1":                   false,
		"2606:4700:4700::1111%eth0": false,
		"fc00::1":                   false,
		"fd00:ec2::254":             false,
		"ff02::1":                   false,
		"2001::1":                   false,
		"2001:db8::1":               false,
		"2002:7f00:1::":             false,
	}
	for text, want := range tests {
		require.Equal(t, want, safedial.IsPublic(netip.MustParseAddr(text)), text)
	}
	require.False(t, safedial.IsPublic(netip.Addr{}))
}

func TestDialerRefusesLoopbackUnlessAllowed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)

	tests := map[string]struct {
		opts    safedial.Options
		host    string
		blocked bool
	}{
		"address":              {host: "127.0.0.1", blocked: true},
		"name":                 {host: "localhost", blocked: true},
		"mapped address":       {host: "::ffff:127.0.0.1", blocked: true},
		"unspecified":          {host: "0.0.0.0", blocked: true},
		"allowed range":        {opts: safedial.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, host: "127.0.0.1"},
		"allowed mapped range": {opts: safedial.Options{Allow: []netip.Prefix{netip.MustParsePrefix("::ffff:127.0.0.0/104")}}, host: "127.0.0.1"},
		"allowed host":         {opts: safedial.Options{AllowHosts: []string{"LocalHost."}}, host: "localhost"},
		"allowed domain":       {opts: safedial.Options{AllowHosts: []string{"*.0.0.1"}}, host: "127.0.0.1"},
		"other host allowed":   {opts: safedial.Options{AllowHosts: []string{"127.0.0.2"}}, host: "127.0.0.1", blocked: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := safedial.New(tt.opts).DialContext(t.Context(), "tcp", net.JoinHostPort(tt.host, port))
			if tt.blocked {
				require.ErrorIs(t, err, safedial.ErrBlocked)
				return
			}
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		})
	}
}

func TestDialerRefusesOtherNetworks(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"unix", "udp", "ip"} {
		_, err := safedial.New(safedial.Options{}).DialContext(context.Background(), network, "127.0.0.1:1")
		require.ErrorIs(t, err, safedial.ErrBlocked)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"https://example.com/hook":        true,
		"http://8.8.8.8:8080/":            true,
		"http://allowed.internal/":        true,
		"http://10.0.0.1/":                false,
		"http://[::1]/":                   false,
		"http://[::ffff:10.0.0.1]/":       false,
		"ftp://example.com/":              false,
		"file:///etc/passwd":              false,
		"http://":                         false,
		"https://user:secret@example.com": false,
	}
	d := safedial.New(safedial.Options{AllowHosts: []string{"allowed.internal"}})
	for text, ok := range tests {
		u, err := url.Parse(text)
		require.NoError(t, err)
		if ok {
			require.NoError(t, d.CheckURL(u), text)
		} else {
			require.ErrorIs(t, d.CheckURL(u), safedial.ErrBlocked, text)
		}
	}
}

func TestClientChecksEveryRedirect(t *testing.T) {
	t.Parallel()
	var target string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		http.Redirect(w, r, target, http.StatusFound)
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)

	client := safedial.New(safedial.Options{AllowHosts: []string{"127.0.0.1"}}).Client(10 * time.Second)
	t.Cleanup(client.CloseIdleConnections)
	for _, target = range []string{"http://localhost:" + u.Port(), "http://[::1]:1/", "ftp://127.0.0.1/", "file:///etc/passwd"} {
		_, err := client.Get(srv.URL)
		require.ErrorIs(t, err, safedial.ErrBlocked, target)
	}
	_, err = client.Get(srv.URL + "/loop")
	require.ErrorContains(t, err, "too many redirects")
}

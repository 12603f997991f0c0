package connection_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/core/connection"
)

func parse(specs ...string) (*connection.Set[string], error) {
	return connection.Parse("SMTP", "smtp-connection", specs, func(name, target string) (string, error) {
		if target == "" {
			return "", errors.New("no address")
		}
		return name + " at " + target, nil
	})
}

func TestJobsNameTheirConnection(t *testing.T) {
	t.Parallel()
	one, err := parse("a=x")
	require.NoError(t, err)
	for _, name := range []string{"a", ""} {
		found, err := one.Find(name)
		require.NoError(t, err)
		require.Equal(t, "a at x", found)
	}
	two, err := parse("a=x", "b=y=z")
	require.NoError(t, err)
	found, err := two.Find("b")
	require.NoError(t, err)
	require.Equal(t, "b at y=z", found)
	_, err = two.Find("")
	require.EqualError(t, err, "connection is required, for this worker has several: a, b")
	_, err = two.Find("c")
	require.EqualError(t, err, `SMTP connection "c" is not configured; there are: a, b`)
	none, err := parse()
	require.NoError(t, err)
	_, err = none.Find("")
	require.EqualError(t, err, `this worker has no SMTP connection; add one with the setting "smtp-connection"`)
}

func TestBadConnectionsAreNamedButNotRepeated(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"hush":  "SMTP connection number 1 must have the form NAME=URL",
		"=hush": "SMTP connection number 1 must have the form NAME=URL",
		"a=":    `SMTP connection "a": no address`,
	} {
		_, err := parse(spec)
		require.EqualError(t, err, want)
	}
	_, err := parse("a=x", "a=y")
	require.EqualError(t, err, `SMTP connection "a" is there twice`)
}

func TestLoopbackHosts(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"localhost", "127.0.0.1", "127.1.2.3", "::1"} {
		require.True(t, connection.IsLoopback(host), host)
	}
	for _, host := range []string{"", "localhost.example.com", "10.0.0.1", "0.0.0.0", "example.com"} {
		require.False(t, connection.IsLoopback(host), host)
	}
}

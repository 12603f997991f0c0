package secret_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
)

func env(name string) string {
	return map[string]string{"TOKEN": "hush", "OTHER": "quiet"}[name]
}

func parse(t *testing.T, specs ...string) *secret.Store {
	t.Helper()
	s, err := secret.Parse(specs, env)
	require.NoError(t, err)
	return s
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

func TestASecretGoesToItsHostsOnly(t *testing.T) {
	t.Parallel()
	s := parse(t, "api=env:TOKEN?host=api.example.com&host=*.Example.org", "inner=env:OTHER", "plain=env:OTHER?host=h&plain=true")
	tests := map[string]struct {
		name, url, want, problem string
	}{
		"its host":                {"api", "https://API.example.com:8443/x", "hush", ""},
		"below its domain":        {"api", "https://a.b.example.org/", "hush", ""},
		"the domain itself":       {"api", "https://example.org/", "", "do not include this one"},
		"another that ends so":    {"api", "https://notapi.example.com/", "", "do not include this one"},
		"its host without TLS":    {"api", "http://api.example.com/", "", "would not be encrypted"},
		"allowed without TLS":     {"plain", "http://h/", "quiet", ""},
		"for the worker's own":    {"inner", "https://api.example.com/", "", "do not include this one"},
		"not there":               {"none", "https://api.example.com/", "", `no secret named "none"`},
		"host as the user's part": {"api", "https://api.example.com@evil.example/", "", "do not include this one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := s.For(tt.name, address(t, tt.url))
			if tt.problem != "" {
				require.ErrorContains(t, err, tt.problem)
				require.NotContains(t, err.Error(), "hush")
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
	value, err := s.Value("inner")
	require.NoError(t, err)
	require.Equal(t, "quiet", value)
	signing, err := s.ForSigning("api", address(t, "http://api.example.com/"))
	require.NoError(t, err)
	require.Equal(t, "hush", signing)
	_, err = (*secret.Store)(nil).Value("inner")
	require.ErrorAs(t, err, new(*secret.UnknownError))
}

func TestASecretsFileIsReadAtEachUse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("first\n"), 0o600))
	s := parse(t, "key=file:"+file)
	value, err := s.Value("key")
	require.NoError(t, err)
	require.Equal(t, "first", value)
	require.NoError(t, os.WriteFile(file, []byte("second"), 0o600))
	value, err = s.Value("key")
	require.NoError(t, err)
	require.Equal(t, "second", value)
	require.NoError(t, os.Remove(file))
	_, err = s.Value("key")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWhatIsNoSecretIsRefused(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	large := filepath.Join(t.TempDir(), "large")
	require.NoError(t, os.WriteFile(large, make([]byte, 70_000), 0o600))
	for spec, want := range map[string]string{
		"hush":                     "must have the form NAME=env:VARIABLE",
		"=env:TOKEN":               "must have the form",
		"a=hush":                   "must come from env:VARIABLE or file:PATH",
		"a=env:MISSING":            "environment variable MISSING is not set",
		"a=file:/nowhere/hush.key": "no such file",
		"a=file:" + empty:          "is empty",
		"a=file:" + large:          "at most 65536 bytes",
		"a=env:TOKEN?hosts=x":      `parameter "hosts" is not known`,
		"a=env:TOKEN?host=":        `parameter "host" is not known`,
		"a=env:TOKEN?plain=yes":    `parameter "plain" is not known`,
	} {
		_, err := secret.Parse([]string{spec}, env)
		require.ErrorContains(t, err, want, spec)
	}
	_, err := secret.Parse([]string{"a=env:TOKEN", "a=env:OTHER"}, env)
	require.ErrorContains(t, err, "there twice")
}

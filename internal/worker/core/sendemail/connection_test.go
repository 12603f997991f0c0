package sendemail_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/core/sendemail"
)

func TestConnectionsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for spec, want := range map[string]string{
		"smtp://me:hush@h":               "must have the form NAME=URL",
		"a=http://me:hush@h":             `begins with "http"`,
		"a=smtp://me:hush@":              "not of the form",
		"a=smtp://me:hush@h/path":        "not of the form",
		"a=smtp://me:hush@h:x":           "not of the form",
		"a=smtp://me@h":                  "belong together",
		"a=smtp://h?secret=none":         `no secret named "none"`,
		"a=smtp://me:hush@h?tls=none":    "for a server on localhost",
		"a=smtps://localhost?tls=none":   "for smtp: only",
		"a=smtp://localhost?tls=off":     "tls=none is the only choice",
		"a=smtp://me:hush@h?ca=/nowhere": "no such file",
		"a=smtp://h?ca=" + empty:         "holds no certificate",
		"a=smtp://me:hush@h?form=a@b.c":  `parameter "form" is not known`,
	} {
		_, err := sendemail.ParseConnections([]string{spec}, nil)
		require.ErrorContains(t, err, want, spec)
		require.NotContains(t, err.Error(), "hush")
	}
	list, err := sendemail.ParseConnections([]string{"a=smtp://h", "b=smtps://me:hush@h:25?from=*@x.example"}, nil)
	require.NoError(t, err)
	found, err := list.Find("b")
	require.NoError(t, err)
	require.Equal(t, "b", found.Name)
}

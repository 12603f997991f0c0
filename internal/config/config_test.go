package config_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/config"
)

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	var names []string
	for _, s := range config.Settings() {
		names = append(names, s.Name)
	}
	config.AddFlags(set, names...)
	require.NoError(t, set.Parse(args))
	return set
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDefaultsNeedNoSource(t *testing.T) {
	t.Parallel()
	loaded, err := config.Load(nil, nil)
	require.NoError(t, err)
	want := config.Config{
		Listen: "127.0.0.1:8080", DataDir: ".jobrunner", Prefix: "bull", BodyLimit: 5 << 20, Queues: []string{}, Handlers: []string{}, Plugins: []string{}, HandlerEnv: []string{}, ExportSources: []string{}, ExportConnections: []string{}, Secrets: []string{}, SMTPConnections: []string{}, EmailAttachments: []string{}, LLMConnections: []string{}, ShellCommands: []string{}, ShellDirs: []string{}, ShellEnv: []string{}, FanOutQueues: []string{}, OmitCore: []string{}, AllowHosts: []string{}, UnknownJobs: "delay", WatchMode: "auto",
		ShutdownTimeout: 30 * time.Second, LogLevel: "info", LogFormat: "text",
	}
	require.Empty(t, cmp.Diff(want, loaded.Config))
	require.Equal(t, "default", loaded.Origin("listen"))
}

func TestFlagsWinOverVariablesOverTheFileOverDefaults(t *testing.T) {
	t.Parallel()
	path := writeFile(t, "listen: :1\nprefix: file\ncache-dir: file\nqueue: [a=1, b]\nshutdown-timeout: 5s\nbody-limit: 2048\nsecure-cookies: true\n")

	loaded, err := config.Load(
		flags(t, "--config", path, "--listen", ":3", "--handlers", t.TempDir()),
		[]string{"JOBRUNNER_LISTEN=:2", "JOBRUNNER_PREFIX=env", "OTHER_NAME=x", "JOBRUNNER_LOG_LEVEL="},
	)
	require.NoError(t, err)

	require.Equal(t, ":3", loaded.Listen)
	require.Equal(t, "flag --listen", loaded.Origin("listen"))
	require.Equal(t, "env", loaded.Prefix)
	require.Equal(t, "environment variable JOBRUNNER_PREFIX", loaded.Origin("prefix"))
	require.Equal(t, "file", loaded.CacheDir)
	require.Equal(t, "file "+path, loaded.Origin("cache-dir"))
	require.Equal(t, []string{"a=1", "b"}, loaded.Queues)
	require.Equal(t, 5*time.Second, loaded.ShutdownTimeout)
	require.Len(t, loaded.Handlers, 1)
	require.Equal(t, int64(2048), loaded.BodyLimit)
	require.True(t, loaded.SecureCookies)
	require.Equal(t, "info", loaded.LogLevel, "an empty variable sets nothing")
}

func TestListsInVariablesAreSeparatedByCommas(t *testing.T) {
	t.Parallel()
	loaded, err := config.Load(nil, []string{"JOBRUNNER_QUEUE=mail=5,reports"})
	require.NoError(t, err)
	require.Equal(t, []string{"mail=5", "reports"}, loaded.Queues)
}

func TestVariablesThatAreNoSettingAreNamed(t *testing.T) {
	t.Parallel()
	loaded, err := config.Load(nil, []string{"JOBRUNNER_QEUE=mail", "JOBRUNNER_A=1"})
	require.NoError(t, err)
	require.Equal(t, []string{"JOBRUNNER_A", "JOBRUNNER_QEUE"}, loaded.UnknownEnv)
}

func TestBadValuesAreRefusedWithNameAndOrigin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  string
		want string
	}{
		"listen without a port": {"JOBRUNNER_LISTEN=localhost", "setting listen (from environment variable JOBRUNNER_LISTEN): must be an address"},
		"redis by http":         {"JOBRUNNER_REDIS=http://x", "setting redis (from environment variable JOBRUNNER_REDIS): the URL's scheme must be one of redis, rediss, unix"},
		"database by mysql":     {"JOBRUNNER_DATABASE=mysql://x", "sqlite, postgres"},
		"missing handlers":      {"JOBRUNNER_HANDLERS=/nowhere/at/all", "no such file"},
		"log level":             {"JOBRUNNER_LOG_LEVEL=loud", "setting log-level"},
		"body limit":            {"JOBRUNNER_BODY_LIMIT=10", "must be at least 1024"},
		"body limit in words":   {"JOBRUNNER_BODY_LIMIT=5MB", "setting body-limit"},
		"cookies":               {"JOBRUNNER_SECURE_COOKIES=perhaps", "setting secure-cookies"},
		"job timeout":           {"JOBRUNNER_JOB_TIMEOUT=-1s", "must not be negative"},
		"unknown jobs":          {"JOBRUNNER_UNKNOWN_JOBS=drop", "must be one of delay, fail"},
		"nameless connection":   {"JOBRUNNER_EXPORT_CONNECTION=postgres://me:hush@db/x", "must have the form NAME=URL"},
		"strange connection":    {"JOBRUNNER_EXPORT_CONNECTION=shop=mysql://me:hush@db/x", "shop: the URL's scheme must be one of"},
		"mail by http":          {"JOBRUNNER_SMTP_CONNECTION=main=http://me:hush@mail", "main: the URL's scheme must be one of smtp, smtps"},
		"host range":            {"JOBRUNNER_ALLOW_HOST=10.0.0.0/99", "neither a host name nor an address range"},
		"log format":            {"JOBRUNNER_LOG_FORMAT=xml", "must be one of text, json"},
		"duration":              {"JOBRUNNER_SHUTDOWN_TIMEOUT=soon", "setting shutdown-timeout (from environment variable JOBRUNNER_SHUTDOWN_TIMEOUT)"},
		"negative duration":     {"JOBRUNNER_SHUTDOWN_TIMEOUT=-1s", "must not be negative"},
		"admin without words":   {"JOBRUNNER_ADMIN_EMAIL=a@example.com", "must be set together"},
		"password alone":        {"JOBRUNNER_ADMIN_PASSWORD=hush", "is of no use without admin-email"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(nil, []string{tt.env})
			require.ErrorContains(t, err, tt.want)
			var invalid *config.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}

func TestEveryBadValueIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Load(nil, []string{"JOBRUNNER_LISTEN=x", "JOBRUNNER_LOG_FORMAT=xml"})
	require.ErrorContains(t, err, "listen")
	require.ErrorContains(t, err, "(from environment variable JOBRUNNER_LOG_FORMAT)")
}

func TestTheFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want string
	}{
		"unknown setting": {"lissten: :1", `no setting is named "lissten"`},
		"the file itself": {"config: other.yaml", `no setting is named "config"`},
		"not YAML":        {"listen: [", "configuration file"},
		"wrong type":      {"listen: {a: 1}", "setting listen"},
		"wrong list":      {"queue: [{a: 1}]", "setting queue"},
		"wrong duration":  {"shutdown-timeout: true", "a duration such as 30s"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(flags(t, "--config", writeFile(t, tt.text)), nil)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestANamedFileMustExist(t *testing.T) {
	t.Parallel()
	_, err := config.Load(nil, []string{"JOBRUNNER_CONFIG=" + filepath.Join(t.TempDir(), "none.yaml")})
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestValuesHideSecrets(t *testing.T) {
	t.Parallel()
	loaded, err := config.Load(nil, []string{
		"JOBRUNNER_REDIS=redis://me:hush@localhost:6379/0",
		"JOBRUNNER_DATABASE=postgres://db/jobs?user=me&password=hush",
		"JOBRUNNER_ADMIN_EMAIL=a@example.com", "JOBRUNNER_ADMIN_PASSWORD=hush",
		"JOBRUNNER_QUEUE=a,b",
		"JOBRUNNER_EXPORT_CONNECTION=shop=postgres://me:hush@db/shop,local=sqlite:shop.db",
		"JOBRUNNER_SHELL_ENV=COLOR,TOKEN=hush",
		"JOBRUNNER_SMTP_CONNECTION=main=smtp://me:hush@mail.example.com?from=a@example.com",
	})
	require.NoError(t, err)

	texts := map[string]string{}
	for _, v := range loaded.Values() {
		require.NotContains(t, v.Text(), "hush")
		require.NotEmpty(t, v.Origin, v.Name)
		texts[v.Name] = v.Text()
	}
	require.Equal(t, "redis://me:********@localhost:6379/0", texts["redis"])
	require.Equal(t, "postgres://db/jobs?password=********&user=me", texts["database"])
	require.Equal(t, "********", texts["admin-password"])
	require.Equal(t, "a,b", texts["queue"])
	require.Equal(t, "shop=postgres://me:********@db/shop,local=sqlite:shop.db", texts["export-connection"])
	require.Equal(t, "main=smtp://me:********@mail.example.com?from=a%40example.com", texts["smtp-connection"])
	require.Equal(t, "COLOR,TOKEN=********", texts["shell-env"])
	require.Equal(t, "30s", texts["shutdown-timeout"])
	require.Len(t, texts, len(config.Settings()))
}

package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var databaseSchemes = []string{"sqlite", "postgres", "postgresql"}

// Config holds the value of every setting; see [Settings] for what each is.
type Config struct {
	File               string        `koanf:"config"`
	Listen             string        `koanf:"listen"`
	DataDir            string        `koanf:"data-dir"`
	Redis              string        `koanf:"redis"`
	Prefix             string        `koanf:"prefix"`
	Database           string        `koanf:"database"`
	AdminEmail         string        `koanf:"admin-email"`
	AdminPassword      string        `koanf:"admin-password"`
	SecureCookies      bool          `koanf:"secure-cookies"`
	BodyLimit          int64         `koanf:"body-limit"`
	Name               string        `koanf:"name"`
	Queues             []string      `koanf:"queue"`
	Handlers           []string      `koanf:"handlers"`
	Plugins            []string      `koanf:"plugins"`
	UninstalledPlugins bool          `koanf:"uninstalled-plugins"`
	UnknownJobs        string        `koanf:"unknown-jobs"`
	JobTimeout         time.Duration `koanf:"job-timeout"`
	HandlerEnv         []string      `koanf:"handler-env"`
	WatchMode          string        `koanf:"watch-mode"`
	CacheDir           string        `koanf:"cache-dir"`
	GoSDK              string        `koanf:"go-sdk"`
	ExportDir          string        `koanf:"export-dir"`
	ExportSources      []string      `koanf:"export-source"`
	ExportConnections  []string      `koanf:"export-connection"`
	Secrets            []string      `koanf:"secret"`
	SMTPConnections    []string      `koanf:"smtp-connection"`
	EmailAttachments   []string      `koanf:"email-attachments"`
	LLMConnections     []string      `koanf:"llm-connection"`
	ShellCommands      []string      `koanf:"shell-command"`
	ShellDirs          []string      `koanf:"shell-dir"`
	ShellEnv           []string      `koanf:"shell-env"`
	ShellNetwork       bool          `koanf:"shell-network"`
	FanOutQueues       []string      `koanf:"fan-out-queue"`
	OmitCore           []string      `koanf:"omit-core"`
	AllowHosts         []string      `koanf:"allow-host"`
	ShutdownTimeout    time.Duration `koanf:"shutdown-timeout"`
	LogLevel           string        `koanf:"log-level"`
	LogFormat          string        `koanf:"log-format"`
}

// InvalidError says which setting has a value that cannot be used, and why.
type InvalidError struct {
	Setting string
	Reason  string
	// Origin is where the value came from.
	Origin string
}

// Error names the setting, its origin and the reason.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("setting %s (from %s): %s", e.Setting, e.Origin, e.Reason)
}

// validate checks what is true of a setting in every command. Whether a setting
// is needed at all is the command's to say.
func (c *Config) validate() error {
	checks := []struct {
		setting string
		err     error
	}{
		{"listen", checkListen(c.Listen)},
		{"data-dir", notEmpty(c.DataDir)},
		{"redis", checkURL(c.Redis, "redis", "rediss", "unix")},
		{"prefix", notEmpty(c.Prefix)},
		{"database", checkURL(c.Database, databaseSchemes...)},
		{"handlers", checkDirs(c.Handlers)},
		{"plugins", checkDirs(c.Plugins)},
		{"go-sdk", optionalDir(c.GoSDK)},
		{"export-source", checkDirs(c.ExportSources)},
		{"export-connection", checkConnections(c.ExportConnections, databaseSchemes...)},
		{"smtp-connection", checkConnections(c.SMTPConnections, "smtp", "smtps")},
		{"email-attachments", checkDirs(c.EmailAttachments)},
		{"shell-dir", checkDirs(c.ShellDirs)},
		{"llm-connection", checkConnections(c.LLMConnections, "openai+https", "openai+http", "ollama+https", "ollama+http")},
		{"allow-host", checkHosts(c.AllowHosts)},
		{"admin-password", checkPair(c.AdminEmail, c.AdminPassword)},
		{"unknown-jobs", oneOf(c.UnknownJobs, "delay", "fail")},
		{"job-timeout", notNegative(c.JobTimeout)},
		{"watch-mode", oneOf(c.WatchMode, "auto", "events", "poll")},
		{"body-limit", checkBodyLimit(c.BodyLimit)},
		{"shutdown-timeout", notNegative(c.ShutdownTimeout)},
		{"log-level", new(slog.Level).UnmarshalText([]byte(c.LogLevel))},
		{"log-format", oneOf(c.LogFormat, "text", "json")},
	}
	var all error
	for _, check := range checks {
		if check.err != nil {
			all = errors.Join(all, &InvalidError{Setting: check.setting, Reason: check.err.Error()})
		}
	}
	return all
}

func notEmpty(value string) error {
	if value == "" {
		return errors.New("must not be empty")
	}
	return nil
}

func notNegative(d time.Duration) error {
	if d < 0 {
		return errors.New("must not be negative")
	}
	return nil
}

// checkBodyLimit keeps room for requests that every client must be able to make.
func checkBodyLimit(bytes int64) error {
	if bytes < 1024 {
		return errors.New("must be at least 1024")
	}
	return nil
}

func oneOf(value string, choices ...string) error {
	if slices.Contains(choices, value) {
		return nil
	}
	return fmt.Errorf("must be one of %s", strings.Join(choices, ", "))
}

func checkListen(address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("must be an address such as 127.0.0.1:8080 or :8080: %w", err)
	}
	return nil
}

// checkURL never repeats the value: it may hold a password.
func checkURL(value string, schemes ...string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil {
		if reason, ok := errors.AsType[*url.Error](err); ok {
			err = reason.Err
		}
		return fmt.Errorf("is not a URL: %w", err)
	}
	if err := oneOf(u.Scheme, schemes...); err != nil {
		return fmt.Errorf("the URL's scheme %w", err)
	}
	return nil
}

func checkDirs(dirs []string) error {
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", filepath.Clean(dir))
		}
	}
	return nil
}

func optionalDir(dir string) error {
	if dir == "" {
		return nil
	}
	return checkDirs([]string{dir})
}

// checkConnections never repeats a value either.
func checkConnections(values []string, schemes ...string) error {
	for i, value := range values {
		name, target, found := strings.Cut(value, "=")
		if !found || name == "" || target == "" {
			return fmt.Errorf("number %d must have the form NAME=URL", i+1)
		}
		if err := checkURL(target, schemes...); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// checkHosts refuses what looks like an address range and is none, since it
// would be taken for a host name that never occurs.
func checkHosts(hosts []string) error {
	for _, host := range hosts {
		if !strings.Contains(host, "/") {
			continue
		}
		if _, err := netip.ParsePrefix(host); err != nil {
			return fmt.Errorf("%q is neither a host name nor an address range such as 10.1.0.0/16", host)
		}
	}
	return nil
}

func checkPair(email, password string) error {
	switch {
	case email != "" && password == "":
		return errors.New("must be set together with admin-email")
	case email == "" && password != "":
		return errors.New("is of no use without admin-email")
	default:
		return nil
	}
}

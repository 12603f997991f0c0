package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// EnvPrefix begins the name of every environment variable that is a setting.
const EnvPrefix = "JOBRUNNER_"

// DefaultFile is the configuration file that is read if it exists and none is named.
const DefaultFile = "jobrunner.yaml"

// fileSetting names the file itself, so it cannot stand in the file.
const fileSetting = "config"

// secrecy says how a value is shown.
type secrecy int

const (
	public secrecy = iota
	// secretURL hides the password in a URL, or in each URL of a list of NAME=URL.
	secretURL
	// secretValue hides the value in each item of a list of NAME=VALUE.
	secretValue
	// secret hides all of it.
	secret
)

// Setting describes one setting.
type Setting struct {
	// Name is its flag and its key in the file.
	Name string
	// Help says what it is for, in one line.
	Help string
	// Default is its value if nothing sets it. Its type is the setting's type:
	// string, bool, int64, time.Duration or []string.
	Default any

	secrecy secrecy
}

// Env returns the name of its environment variable.
func (s Setting) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Settings lists every setting. Each has a field of [Config] with its name.
func Settings() []Setting {
	return []Setting{
		{Name: fileSetting, Help: "configuration file (default " + DefaultFile + " if it exists)", Default: ""},

		{Name: "listen", Help: "address the backend listens on", Default: "127.0.0.1:8080"},
		{Name: "data-dir", Help: "directory of the SQLite file and of the Redis started by dev", Default: ".jobrunner"},
		{Name: "redis", Help: "Redis URL; dev starts a server of its own without it", Default: "", secrecy: secretURL},
		{Name: "prefix", Help: "prefix of BullMQ's keys in Redis", Default: "bull"},
		{Name: "database", Help: "sqlite: or postgres: URL (default a SQLite file in the data directory)", Default: "", secrecy: secretURL},

		{Name: "admin-email", Help: "makes a first administrator with this address if there is no user yet", Default: ""},
		{Name: "admin-password", Help: "the first administrator's password", Default: "", secrecy: secret},
		{Name: "secure-cookies", Help: "send cookies over HTTPS only, for a backend behind a TLS proxy", Default: false},
		{Name: "body-limit", Help: "size of the largest request body, in bytes", Default: int64(5 << 20)},

		{Name: "name", Help: "what lists of workers call this one (default host:pid)", Default: ""},
		{Name: "queue", Help: "queue to work on as NAME or NAME=CONCURRENCY, where * in the name stands for any text; may be repeated", Default: []string{}},
		{Name: "handlers", Help: "directory with handler files; may be repeated", Default: []string{}},
		{Name: "plugins", Help: "directory with plugins; may be repeated", Default: []string{}},
		{Name: "uninstalled-plugins", Help: "load plugin folders that were never installed, with what they ask for; dev always does", Default: false},
		{Name: "unknown-jobs", Help: "what becomes of a job that no handler answers: delay puts it back, fail ends it", Default: "delay"},
		{Name: "job-timeout", Help: "how long a job may run if its handler does not say; 0 means no limit", Default: time.Duration(0)},
		{Name: "handler-env", Help: "environment variable that handlers in child processes may see; may be repeated", Default: []string{}},
		{Name: "watch-mode", Help: "how changes of handler files are noticed: events, poll (for network drives), or auto to find out", Default: "auto"},
		{Name: "go-sdk", Help: "directory of JobRunner's Go source, to build handlers in Go with (default the version of this program)", Default: ""},
		{Name: "cache-dir", Help: "directory of built handlers (default the user's cache directory; with dev, in the data directory)", Default: ""},

		{Name: "export-dir", Help: "directory that data-export writes to (default none; with dev, in the data directory)", Default: ""},
		{Name: "export-source", Help: "directory that data-export may read files from; may be repeated", Default: []string{}},
		{Name: "export-connection", Help: "database that data-export may read, as NAME=URL; may be repeated", Default: []string{}, secrecy: secretURL},

		{Name: "secret", Help: "secret of handlers, as NAME=env:VARIABLE or NAME=file:PATH, with ?host=HOST for each host that jobs may use it for; may be repeated", Default: []string{}},
		{Name: "smtp-connection", Help: "mail server of send-email, as NAME=smtp://USER@HOST?secret=SECRET&from=ADDRESS; may be repeated", Default: []string{}, secrecy: secretURL},
		{Name: "email-attachments", Help: "directory that send-email may attach files from; may be repeated", Default: []string{}},
		{Name: "llm-connection", Help: "model endpoint of llm, as NAME=openai+https://HOST/v1?secret=SECRET&model=MODEL or NAME=ollama+http://HOST:PORT; may be repeated", Default: []string{}, secrecy: secretURL},

		{Name: "shell-command", Help: "program that shell may run, as PROGRAM [PATTERN ...] with a regular expression for each argument; may be repeated (default none: there is no shell)", Default: []string{}},
		{Name: "shell-dir", Help: "directory that programs of shell may run in and change; may be repeated", Default: []string{}},
		{Name: "shell-env", Help: "environment variable of shell: NAME lets jobs set it, NAME=VALUE sets it for all; may be repeated", Default: []string{}, secrecy: secretValue},
		{Name: "shell-network", Help: "let programs of shell use the network", Default: false},
		{Name: "fan-out-queue", Help: "queue, or pattern with *, that fan-out may add jobs to besides its own; may be repeated", Default: []string{}},
		{Name: "omit-core", Help: "built-in handler, or pattern with *, that the worker is not to have, so that its name is free for yours; may be repeated", Default: []string{}},

		{Name: "allow-host", Help: "host name or address range that handlers and webhooks may reach though it is not public; may be repeated", Default: []string{}},

		{Name: "shutdown-timeout", Help: "how long running jobs and requests may take to end after a stop", Default: 30 * time.Second},
		{Name: "log-level", Help: "debug, info, warn or error", Default: "info"},
		{Name: "log-format", Help: "text or json", Default: "text"},
	}
}

// AddFlags gives a command the flags of some settings. A flag's default is only
// shown: [Load] takes a flag's value from it if the flag was given.
func AddFlags(flags *pflag.FlagSet, names ...string) {
	settings := Settings()
	for _, name := range names {
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			panic(fmt.Sprintf("config: no setting is named %q", name))
		}
		s := settings[i]
		switch value := s.Default.(type) {
		case string:
			flags.String(s.Name, value, s.Help)
		case bool:
			flags.Bool(s.Name, value, s.Help)
		case int64:
			flags.Int64(s.Name, value, s.Help)
		case time.Duration:
			flags.Duration(s.Name, value, s.Help)
		case []string:
			flags.StringArray(s.Name, value, s.Help)
		default:
			panic(fmt.Sprintf("config: setting %q has a default of type %T", name, value))
		}
	}
}

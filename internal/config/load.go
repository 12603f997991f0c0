package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

const (
	// delim separates the parts of a nested key; settings are flat and have none.
	delim = "."
	// OriginDefault is the origin of a value that nothing has set.
	OriginDefault = "default"
)

// Loaded is a configuration together with where each value came from.
type Loaded struct {
	Config
	// FileName is the configuration file that was read, empty if none was.
	FileName string
	// Worker is the file's section for workers.
	Worker Worker
	// UnknownEnv names the environment variables that look like settings and are
	// none, in order.
	UnknownEnv []string

	origins map[string]string
}

// Origin says where a setting's value came from.
func (l *Loaded) Origin(setting string) string {
	return l.origins[setting]
}

// Load reads all sources. Flags may be nil; of environ, as [os.Environ] returns
// it, only variables with [EnvPrefix] that are not empty matter. It returns
// [*InvalidError]s, joined, for values that cannot be used.
func Load(flags *pflag.FlagSet, environ []string) (*Loaded, error) {
	fromEnv, unknown, err := envLayer(environ)
	if err != nil {
		return nil, err
	}
	fromFlags, err := flagLayer(flags)
	if err != nil {
		return nil, err
	}
	fromFile, section, fileName, err := fileLayer(fromFlags, fromEnv)
	if err != nil {
		return nil, err
	}

	merged := koanf.New(delim)
	loaded := &Loaded{UnknownEnv: unknown, FileName: fileName, Worker: section, origins: map[string]string{}}
	layers := []struct {
		values map[string]any
		origin func(Setting) string
	}{
		{defaultLayer(), func(Setting) string { return OriginDefault }},
		{fromFile, func(Setting) string { return "file " + fileName }},
		{fromEnv, func(s Setting) string { return "environment variable " + s.Env() }},
		{fromFlags, func(s Setting) string { return "flag --" + s.Name }},
	}
	for _, layer := range layers {
		if err := merged.Load(confmap.Provider(layer.values, ""), nil); err != nil {
			return nil, err
		}
		for name := range layer.values {
			loaded.origins[name] = layer.origin(Setting{Name: name})
		}
	}
	if err := errors.Join(decode(merged, &loaded.Config), loaded.validate()); err != nil {
		return nil, loaded.withOrigins(err)
	}
	return loaded, loaded.chooseQueues()
}

// chooseQueues lets queues that a flag or variable names take the place of those
// of the file's section for workers. In the file itself there is one way.
func (l *Loaded) chooseQueues() error {
	if len(l.Queues) == 0 || len(l.Worker.Queues) == 0 {
		return nil
	}
	if l.Origin("queue") == "file "+l.FileName {
		return fmt.Errorf("configuration file %s: queue and worker.queues both name queues; keep one of them", l.FileName)
	}
	l.Worker.Queues = nil
	return nil
}

func defaultLayer() map[string]any {
	values := map[string]any{}
	for _, s := range Settings() {
		values[s.Name] = s.Default
	}
	return values
}

func envLayer(environ []string) (values map[string]any, unknown []string, err error) {
	names := map[string]Setting{}
	for _, s := range Settings() {
		names[s.Env()] = s
	}
	k := koanf.New(delim)
	err = k.Load(env.Provider("", env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			s, known := names[name]
			switch {
			case !known:
				unknown = append(unknown, name)
				return "", nil
			case value == "":
				return "", nil
			}
			if _, list := s.Default.([]string); list {
				return s.Name, strings.Split(value, ",")
			}
			return s.Name, value
		},
	}), nil)
	slices.Sort(unknown)
	return k.Raw(), unknown, err
}

func flagLayer(flags *pflag.FlagSet) (map[string]any, error) {
	if flags == nil {
		return nil, nil
	}
	known := defaultLayer()
	k := koanf.New(delim)
	err := k.Load(posflag.ProviderWithFlag(flags, "", nil, func(f *pflag.Flag) (string, any) {
		if _, setting := known[f.Name]; !setting || !f.Changed {
			return "", nil
		}
		return f.Name, posflag.FlagVal(flags, f)
	}), nil)
	return k.Raw(), err
}

// fileLayer reads the file that a flag or a variable names, or the default one.
// Only the default one may be missing.
func fileLayer(fromFlags, fromEnv map[string]any) (values map[string]any, section Worker, name string, err error) {
	name, named := fromFlags[fileSetting].(string)
	if !named {
		name, named = fromEnv[fileSetting].(string)
	}
	if !named {
		name = DefaultFile
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, Worker{}, "", nil
	}
	if err == nil {
		values, err = yaml.Parser().Unmarshal(text)
	}
	if err == nil {
		err = checkNames(values)
	}
	if err == nil {
		section, err = readWorker(text)
	}
	if err != nil {
		return nil, Worker{}, "", fmt.Errorf("configuration file %s: %w", name, err)
	}
	delete(values, workerSection)
	return values, section, name, nil
}

// checkNames refuses a file with what is no setting.
func checkNames(values map[string]any) error {
	known := defaultLayer()
	delete(known, fileSetting)
	known[workerSection] = nil
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, ok := known[key]; !ok {
			return fmt.Errorf("no setting is named %q", key)
		}
	}
	return nil
}

// withOrigins completes the errors of settings with where each value came from.
func (l *Loaded) withOrigins(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			_ = l.withOrigins(one)
		}
	}
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		invalid.Origin = l.origins[invalid.Setting]
	}
	return err
}

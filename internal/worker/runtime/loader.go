package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
	sdkjs "github.com/jobrunner-dev/jobrunner/sdk/js"
	sdkpython "github.com/jobrunner-dev/jobrunner/sdk/python"
)

// LoaderOptions are the choices of a [Loader].
type LoaderOptions struct {
	// CacheDir is where bundles and temporary files go. Defaults to "jobrunner"
	// in the user's cache directory.
	CacheDir string
	// Node and Python are the interpreters, looked up in PATH when they are
	// first needed. Default to "node" and "python3".
	Node   string
	Python string
	// Env names the variables of our environment that handlers may see, besides
	// PATH, LANG, LC_ALL and TZ.
	Env []string
	// Limits bound what handlers may do.
	Limits Limits
	// Logger receives the handlers' own output too. Defaults to [slog.Default].
	Logger *slog.Logger
}

// Loader makes hosts of handler modules. It is safe for concurrent use.
type Loader struct {
	opts LoaderOptions
	dir  string // of this process, within CacheDir
}

// NewLoader unpacks the host shims into a directory of its own, which
// [Loader.Close] removes.
func NewLoader(opts LoaderOptions) (*Loader, error) {
	opts.Node = cmp.Or(opts.Node, "node")
	opts.Python = cmp.Or(opts.Python, "python3")
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	opts.Limits = opts.Limits.withDefaults()
	if opts.CacheDir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no cache directory: %w", err)
		}
		opts.CacheDir = filepath.Join(base, "jobrunner")
	}
	dir, err := workDir(opts.CacheDir)
	if err != nil {
		return nil, err
	}
	l := &Loader{opts: opts, dir: dir}
	for name, files := range map[string]fs.FS{"js": sdkjs.Files, "python": sdkpython.Files} {
		if err := os.CopyFS(filepath.Join(dir, "sdk", name), files); err != nil {
			return nil, errors.Join(fmt.Errorf("unpack the %s host: %w", name, err), l.Close())
		}
	}
	return l, nil
}

// Close removes the loader's directory. Hosts must be closed before.
func (l *Loader) Close() error { return os.RemoveAll(l.dir) }

// workDir makes a directory for this process, and removes those of processes
// that are gone without having done so.
func workDir(cache string) (string, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("cache directory: %w", err)
	}
	old, _ := filepath.Glob(filepath.Join(cache, "worker-*-*"))
	for _, dir := range old {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[1])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // a leftover is untidy, no more
		}
	}
	dir, err := os.MkdirTemp(cache, fmt.Sprintf("worker-%d-", os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("cache directory: %w", err)
	}
	return dir, nil
}

// Loaded is a module whose process runs and has described it.
type Loaded struct {
	Handlers []Described
	Host     *Host
	// Language is "javascript", "typescript" or "python".
	Language string
	// Hash changes with the module's content and that of its local dependencies.
	Hash string
	// Dependencies are the absolute paths of the local files that make up the module.
	Dependencies []string
}

// Language returns the language of a file that [Loader.Load] takes, and "" for
// any other.
func Language(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".js", ".mjs", ".cjs":
		return "javascript"
	case ".ts", ".mts", ".cts":
		return "typescript"
	case ".py":
		return "python"
	default:
		return ""
	}
}

// Load builds the module, starts its process and has it describe itself. The
// error is a [*catalogue.LoadError].
func (l *Loader) Load(ctx context.Context, m Module) (*Loaded, error) {
	loaded, err := l.load(ctx, m)
	if err != nil {
		return nil, loadError(err, m.Path)
	}
	return loaded, nil
}

func (l *Loader) load(ctx context.Context, m Module) (*Loaded, error) {
	path, err := filepath.Abs(m.Path)
	if err != nil {
		return nil, err
	}
	m.Path = path
	language := Language(path)
	if language == "" {
		return nil, fmt.Errorf("%s files cannot be handlers", filepath.Ext(path))
	}
	temp, err := os.MkdirTemp(l.dir, "module-")
	if err != nil {
		return nil, fmt.Errorf("module directory: %w", err)
	}
	b := build{module: m, dir: temp, sdk: filepath.Join(l.dir, "sdk"), loader: l}
	if language == "python" {
		err = b.python()
	} else {
		err = b.javascript()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	host := &Host{
		command: b.command, limits: l.opts.Limits, cleanup: []string{temp},
		log: l.opts.Logger.With(slog.String("source", path)),
	}
	inst, described, err := host.start(ctx)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	host.mu.Lock()
	host.adoptLocked(inst)
	host.mu.Unlock()
	loaded := &Loaded{Handlers: described.Handlers, Host: host, Language: language}
	loaded.Dependencies = slices.Concat(b.inputs, described.Dependencies)
	if m.Entry == "" {
		loaded.Dependencies = append(loaded.Dependencies, path)
	}
	slices.Sort(loaded.Dependencies)
	loaded.Dependencies = slices.Compact(loaded.Dependencies)
	hashed := loaded.Dependencies
	if b.artifact != "" {
		hashed = []string{b.artifact}
	}
	if loaded.Hash, err = hashFiles(hashed); err != nil {
		host.Close()
		return nil, err
	}
	return loaded, nil
}

// interpreter finds a program, with an error that says what to do.
func interpreter(name, language string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s handlers need %q, which is not installed or not in PATH", language, name)
	}
	return filepath.Abs(path)
}

// environment is what a child sees: little, and none of our secrets.
func (l *Loader) environment(temp string, more ...string) []string {
	env := append([]string{"TMPDIR=" + temp, "HOME=" + temp}, more...)
	for _, name := range append([]string{"PATH", "LANG", "LC_ALL", "TZ"}, l.opts.Env...) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// loadError says why, and where, a module did not load.
func loadError(err error, path string) *catalogue.LoadError {
	if known, ok := errors.AsType[*catalogue.LoadError](err); ok {
		return known
	}
	failed := &catalogue.LoadError{Message: err.Error(), File: path, At: time.Now()}
	rpc, ok := errors.AsType[*linerpc.Error](err)
	if !ok {
		return failed
	}
	var f loadFailure
	if json.Unmarshal(rpc.Data, &f) == nil {
		failed.File = cmp.Or(f.File, path)
		failed.Line, failed.Column, failed.Frame = f.Line, f.Column, f.Frame
		if f.Name != "" && f.Name != "Error" {
			failed.Message = f.Name + ": " + failed.Message
		}
	}
	return failed
}

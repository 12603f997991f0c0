package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
	sdkjs "github.com/jobrunner-dev/jobrunner/sdk/js"
	sdkpython "github.com/jobrunner-dev/jobrunner/sdk/python"
)

// LoaderOptions are the choices of a [Loader].
type LoaderOptions struct {
	// CacheDir is where bundles and temporary files go. Defaults to "jobrunner"
	// in the user's cache directory.
	CacheDir string
	// Node, Python and Go are the programs, looked up in PATH when they are first
	// needed. Default to "node", "python3" and "go".
	Node   string
	Python string
	Go     string
	// GoSDK is the folder of our own Go module's source, which single Go files are
	// built with. Empty looks for it, and else takes the module of this program's
	// version from where Go finds modules.
	GoSDK string
	// Policy is what handlers may do that have no policy of their own. Nil is
	// [sandbox.Default].
	Policy *sandbox.Policy
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
	opts  LoaderOptions
	cache *cache
	work  *workDir
	dir   string // its path
	shims string // digest of the host shims

	programs programs
}

// NewLoader unpacks the host shims into a directory of its own, which
// [Loader.Close] removes.
func NewLoader(opts LoaderOptions) (*Loader, error) {
	opts.Node = cmp.Or(opts.Node, "node")
	opts.Python = cmp.Or(opts.Python, "python3")
	opts.Go = cmp.Or(opts.Go, "go")
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	opts.Limits = opts.Limits.withDefaults()
	if opts.CacheDir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no cache directory: %w", err)
		}
		opts.CacheDir = filepath.Join(base, "jobrunner")
	}
	work, err := newWorkDir(opts.CacheDir)
	if err != nil {
		return nil, err
	}
	logSandbox(opts.Logger)
	l := &Loader{opts: opts, work: work, dir: work.path}
	if l.cache, err = newCache(opts.CacheDir); err == nil {
		err = l.unpackShims()
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// unpackShims writes the host shims into the loader's directory.
func (l *Loader) unpackShims() error {
	var digests []string
	for name, files := range map[string]fs.FS{"js": sdkjs.Files, "python": sdkpython.Files} {
		dir := filepath.Join(l.dir, "sdk", name)
		if err := os.CopyFS(dir, files); err != nil {
			return fmt.Errorf("unpack the %s host: %w", name, err)
		}
		if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			digest, err := hashFiles([]string{path})
			digests = append(digests, digest)
			return err
		}); err != nil {
			return err
		}
	}
	slices.Sort(digests)
	l.shims = hashText(digests...)
	return nil
}

// Close removes the loader's directory. Hosts must be closed before.
func (l *Loader) Close() error { return l.work.remove() }

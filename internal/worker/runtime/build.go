package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// Module is what to load.
type Module struct {
	// Path is the source file. With an Entry it only names the module and says
	// where imports are resolved from.
	Path string
	// Entry is JavaScript text to build in place of the file's.
	Entry string
}

// build prepares the command that runs a module.
type build struct {
	loader *Loader
	module Module
	dir    string // for what is built, and the process's temporary files
	sdk    string
	// command starts the process, inputs are the local files it is built from.
	// artifact is what was built, "" if the files run as they are.
	command  command
	inputs   []string
	artifact string
}

func (b *build) python() error {
	python, err := interpreter(b.loader.opts.Python, "Python")
	if err != nil {
		return err
	}
	b.command = command{
		path: python,
		args: []string{"-u", "-B", filepath.Join(b.sdk, "python", "jobrunner_host.py"), b.module.Path},
		dir:  filepath.Dir(b.module.Path),
		env:  b.loader.environment(b.dir, "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1"),
	}
	return nil
}

// javascript bundles the module and what it imports into one file.
func (b *build) javascript() error {
	node, err := interpreter(b.loader.opts.Node, "JavaScript")
	if err != nil {
		return err
	}
	out := filepath.Join(b.dir, "bundle.mjs")
	result := api.Build(b.options(out))
	if len(result.Errors) > 0 {
		return bundleError(result.Errors, b.module.Path)
	}
	if b.inputs, err = bundleInputs(result.Metafile, filepath.Dir(b.module.Path)); err != nil {
		return err
	}
	b.artifact = out
	b.command = command{
		path: node,
		args: []string{"--enable-source-maps", filepath.Join(b.sdk, "js", "host.mjs"), out, b.module.Path},
		dir:  filepath.Dir(b.module.Path),
		env:  b.loader.environment(b.dir, "NODE_NO_WARNINGS=1"),
	}
	return nil
}

// options bundle to one ECMAScript module. What a module may ask of its own
// place (import.meta.url, __dirname, …) is answered with the source's place, for
// the bundle lies elsewhere; the host shim offers require for bundled CommonJS.
func (b *build) options(out string) api.BuildOptions {
	path := b.module.Path
	options := api.BuildOptions{
		Outfile: out, Write: true, Bundle: true, Metafile: true,
		Platform: api.PlatformNode, Format: api.FormatESModule, Target: api.ES2023,
		Sourcemap: api.SourceMapLinked, SourcesContent: api.SourcesContentExclude,
		LogLevel: api.LogLevelSilent, LogLimit: 10,
		AbsWorkingDir: filepath.Dir(path),
		Alias:         map[string]string{"@jobrunner/handler": filepath.Join(b.sdk, "js", "index.mjs")},
		Loader:        map[string]api.Loader{".node": api.LoaderCopy},
		Define: map[string]string{
			"__filename": "__jobrunner_filename", "__dirname": "__jobrunner_dirname",
			"import.meta.url": "__jobrunner_url", "import.meta.filename": "__jobrunner_filename",
			"import.meta.dirname": "__jobrunner_dirname",
		},
		Banner: map[string]string{"js": fmt.Sprintf("const __jobrunner_filename = %s, __jobrunner_dirname = %s, __jobrunner_url = %s;",
			quote(path), quote(filepath.Dir(path)), quote(fileURL(path)))},
	}
	if b.module.Entry != "" {
		options.Stdin = &api.StdinOptions{
			Contents: b.module.Entry, ResolveDir: filepath.Dir(path), Sourcefile: path, Loader: api.LoaderJS,
		}
	} else {
		options.EntryPoints = []string{path}
	}
	return options
}

// quote writes a string as JavaScript does.
func quote(s string) string {
	text, _ := json.Marshal(s) // a string always encodes
	return string(text)
}

func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// bundleError reports the first error, the one that others follow from.
func bundleError(errs []api.Message, path string) *catalogue.LoadError {
	first := errs[0]
	failed := &catalogue.LoadError{Message: first.Text, File: path, At: time.Now()}
	if n := len(errs) - 1; n > 0 {
		failed.Message += fmt.Sprintf(" (and %d more)", n)
	}
	if at := first.Location; at != nil {
		failed.Line, failed.Column, failed.Frame = at.Line, at.Column+1, at.LineText
		failed.File = at.File
		if !filepath.IsAbs(at.File) {
			failed.File = filepath.Join(filepath.Dir(path), at.File)
		}
	}
	return failed
}

// bundleInputs returns the author's own files in a bundle: not what a package
// manager installed, which changes with the lock file only.
func bundleInputs(metafile, dir string) ([]string, error) {
	names, err := metafileInputs(metafile)
	if err != nil {
		return nil, err
	}
	var inputs []string
	for _, name := range names {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if strings.Contains(name, string(filepath.Separator)+"node_modules"+string(filepath.Separator)) {
			continue
		}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			inputs = append(inputs, name)
		}
	}
	return inputs, nil
}

// hashFiles returns a short digest of the files' contents.
func hashFiles(paths []string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("read the module's files: %w", err)
		}
		_, _ = fmt.Fprintf(h, "\x00%d\x00", len(text))
		_, _ = h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil))[:8], nil
}

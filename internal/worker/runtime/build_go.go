package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// golang runs a program in Go that calls handler.Main: a prebuilt one as it is,
// and one in source after building it. What was built before from the same
// content is not built again.
func (b *build) golang(ctx context.Context) error {
	path := b.module.Path
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() && filepath.Ext(path) != ".go" {
		b.inputs = append(b.inputs, path)
		b.run(path, nil)
		return nil
	}
	toolchain, err := exec.LookPath(b.loader.opts.Go)
	if err != nil {
		return fmt.Errorf("handlers in Go source need %q, which is not installed or not in PATH; install Go, or build %s elsewhere and put the program in its place",
			b.loader.opts.Go, filepath.Base(path))
	}
	g := &goBuild{build: b, toolchain: toolchain, dir: path, target: "."}
	if !info.IsDir() {
		if err := g.singleFile(); err != nil {
			return err
		}
	}
	program, err := g.program(ctx)
	if err != nil {
		return err
	}
	b.run(program, nil)
	if info.IsDir() {
		b.command.dir = path
	}
	return nil
}

// goBuild builds one program.
type goBuild struct {
	*build
	toolchain string
	dir       string // where the toolchain is run
	target    string // what is built
	workspace string // the go.work file to use, "" for none of our own
}

// program returns the built program, from the cache if nothing has changed. It
// lies in the module's own directory: the cache may drop its link at any time.
func (g *goBuild) program(ctx context.Context) (string, error) {
	out := filepath.Join(g.build.dir, "program")
	// The files that it was made of last time tell whether it would come out the same.
	note := g.toolchain + " " + g.module.Path
	if known := g.loader.cache.inputs(note); len(known) > 0 {
		g.setInputs(known)
		if key, err := g.key(); err == nil {
			if path, exists := g.loader.cache.program(key); exists && os.Link(path, out) == nil {
				return out, nil
			}
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, g.loader.opts.Limits.BuildTimeout,
		fmt.Errorf("building took longer than %s", g.loader.opts.Limits.BuildTimeout))
	defer cancel()
	g.setInputs(nil) // known better when it is built
	began := time.Now()
	if _, err := g.tool(ctx, "build", "-ldflags=-s -w", "-o", out, g.target); err != nil {
		return "", err
	}
	imported, err := g.imported(ctx)
	if err != nil {
		return "", err
	}
	g.setInputs(imported)
	key, err := g.key()
	if err != nil || changedSince(began, g.inputs) {
		return out, err // made of files that are others by now
	}
	path, _ := g.loader.cache.program(key)
	if err := os.Link(out, path); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("keep the built program: %w", err)
	}
	return out, g.loader.cache.putInputs(note, g.inputs)
}

// setInputs takes files for the program's inputs, with those that say which
// modules it has and those that lie in its folder: a new one there changes it.
func (g *goBuild) setInputs(files []string) {
	g.inputs = slices.Concat(files, g.modFiles(), g.sourceFiles())
	slices.Sort(g.inputs)
	g.inputs = slices.Compact(g.inputs)
}

// key is under which name the program is cached.
func (g *goBuild) key() (string, error) {
	hash, err := hashFiles(existing(g.inputs))
	return hashText(g.toolchain, g.module.Path, hash), err
}

// importedFormat prints the files of packages that belong to no module, or to
// one of the author's own: not to one in Go's cache, where nothing changes.
const importedFormat = `{{$own := not .Standard}}{{with .Module}}{{$own = or .Main (and .Replace (not .Replace.Version))}}{{end}}` +
	`{{if $own}}{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}` +
	`{{range .CgoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}`

// imported lists the files of the program's packages.
func (g *goBuild) imported(ctx context.Context) ([]string, error) {
	out, err := g.tool(ctx, "list", "-deps", "-f", importedFormat, g.target)
	var files []string
	for file := range strings.Lines(out) {
		if file = filepath.Clean(strings.TrimSpace(file)); filepath.IsAbs(file) {
			files = append(files, file)
		}
	}
	return files, err
}

// modFiles are the files that say which modules the program is made of.
func (g *goBuild) modFiles() []string {
	if g.workspace != "" {
		return []string{g.module.Path}
	}
	dir := moduleRoot(g.dir)
	return existing([]string{filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")})
}

// maxSourceFiles bounds how many files of a folder are looked at.
const maxSourceFiles = 2000

// sourceFiles are the Go files of a module's folder, whether they are used or not.
func (g *goBuild) sourceFiles() []string {
	var files []string
	if g.target != "." {
		return nil
	}
	_ = filepath.WalkDir(g.dir, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil || len(files) == maxSourceFiles:
			return fs.SkipAll
		case entry.IsDir() && path != g.dir && (strings.HasPrefix(name, ".") || name == "vendor" || name == "node_modules"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go"):
			files = append(files, path)
		}
		return nil
	})
	return files
}

// tool runs the toolchain and returns what it prints.
func (g *goBuild) tool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, g.toolchain, args...)
	cmd.Dir = g.dir
	cmd.Env = goEnvironment()
	if !g.policy().AllFiles {
		// A C compiler puts any file of this machine into a program that asks for it.
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	if g.workspace != "" {
		cmd.Env = append(cmd.Env, "GOWORK="+g.workspace)
	}
	cmd.WaitDelay = time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return "", g.failure(stderr.String(), err)
}

// goEnvironment is what the toolchain sees of our environment: what it needs to
// find its caches and modules. It does not fetch other toolchains.
func goEnvironment() []string {
	env := []string{"GOTOOLCHAIN=local"}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch name {
		case "GOTOOLCHAIN", "GOWORK":
		case "PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "CC", "CXX", "SSL_CERT_FILE", "SSL_CERT_DIR",
			"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy":
			env = append(env, variable)
		default:
			if strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_") {
				env = append(env, variable)
			}
		}
	}
	return env
}

// goError is the first line of the compiler's about a place.
var goError = regexp.MustCompile(`(?m)^\s*(\S.*?\.go|go\.mod):(\d+)(?::(\d+))?: (.+(?:\n\t.+)*)`)

// failure makes an error of what the toolchain has printed.
func (g *goBuild) failure(stderr string, err error) error {
	text := strings.TrimSpace(stderr)
	m := goError.FindStringSubmatch(text)
	if m == nil {
		if text == "" {
			text = err.Error()
		}
		return &catalogue.LoadError{Message: "go build: " + strings.TrimPrefix(text, "go: "), File: g.module.Path}
	}
	failed := &catalogue.LoadError{Message: strings.ReplaceAll(m[4], "\n\t", " "), File: m[1]}
	if !filepath.IsAbs(failed.File) {
		failed.File = filepath.Join(g.dir, failed.File)
	}
	failed.Line, _ = strconv.Atoi(m[2])
	failed.Column, _ = strconv.Atoi(m[3])
	if more := len(goError.FindAllString(text, -1)) - 1; more > 0 {
		failed.Message += fmt.Sprintf(" (and %d more)", more)
	}
	return failed
}

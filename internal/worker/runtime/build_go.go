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
	"runtime/debug"
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

// program returns the built program, from the cache if nothing has changed.
func (g *goBuild) program(ctx context.Context) (string, error) {
	// The files that it was made of last time tell whether it would come out the same.
	g.inputs = append(g.inputs, g.loader.cache.inputs(g.toolchain+" "+g.module.Path)...)
	if len(g.inputs) > 0 {
		if key, err := g.key(); err == nil {
			if path, exists := g.loader.cache.program(key); exists {
				return path, nil
			}
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, g.loader.opts.Limits.BuildTimeout,
		fmt.Errorf("building took longer than %s", g.loader.opts.Limits.BuildTimeout))
	defer cancel()
	g.inputs = append(g.modFiles(), g.sourceFiles()...) // known better when it is built
	out := filepath.Join(g.build.dir, "program")
	if _, err := g.tool(ctx, "build", "-o", out, g.target); err != nil {
		return "", err
	}
	if err := g.findInputs(ctx); err != nil {
		return "", err
	}
	key, err := g.key()
	if err != nil {
		return "", err
	}
	path, _ := g.loader.cache.program(key)
	if err := os.Rename(out, path); err != nil {
		return "", fmt.Errorf("keep the built program: %w", err)
	}
	return path, g.loader.cache.putInputs(g.toolchain+" "+g.module.Path, g.inputs)
}

// key is under which name the program is cached.
func (g *goBuild) key() (string, error) {
	hash, err := hashFiles(existing(g.inputs))
	return hashText(g.toolchain, g.module.Path, hash), err
}

// findInputs lists the files of the program's packages that lie in modules of
// the author's own, not in Go's cache of modules.
func (g *goBuild) findInputs(ctx context.Context) error {
	const format = `{{if and .Module (not .Standard)}}{{if or .Module.Main (and .Module.Replace (not .Module.Replace.Version))}}` +
		`{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}` +
		`{{range .CgoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{else if not .Standard}}` +
		`{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}{{end}}`
	g.inputs = g.modFiles()
	out, err := g.tool(ctx, "list", "-deps", "-f", format, g.target)
	if err != nil {
		return err
	}
	for file := range strings.Lines(out) {
		if file = filepath.Clean(strings.TrimSpace(file)); filepath.IsAbs(file) {
			g.inputs = append(g.inputs, file)
		}
	}
	slices.Sort(g.inputs)
	g.inputs = slices.Compact(g.inputs)
	return nil
}

// modFiles are the files that say which modules the program is made of.
func (g *goBuild) modFiles() []string {
	dir := g.dir
	if g.workspace != "" {
		return []string{g.module.Path}
	}
	for !isFile(filepath.Join(dir, "go.mod")) && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
	}
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
var goError = regexp.MustCompile(`(?m)^(\S.*?\.go|go\.mod):(\d+)(?::(\d+))?: (.+(?:\n\t.+)*)`)

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

// singleFile prepares to build a file: in the module that it lies in or, if it
// lies in none, in one that has the SDK and nothing else.
func (g *goBuild) singleFile() error {
	path := g.module.Path
	g.dir, g.target = filepath.Dir(path), path
	for dir := g.dir; ; dir = filepath.Dir(dir) {
		if isFile(filepath.Join(dir, "go.mod")) {
			return nil
		}
		if filepath.Dir(dir) == dir {
			break
		}
	}
	g.dir = filepath.Join(g.build.dir, "module")
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		return fmt.Errorf("module directory: %w", err)
	}
	sdk, version := g.loader.goSDK()
	switch {
	case sdk != "":
		g.workspace = filepath.Join(g.dir, "go.work")
		work := fmt.Sprintf("go %s\n\nuse (\n\t.\n\t%s\n)\n", goVersion, strconv.Quote(sdk))
		if err := os.WriteFile(g.workspace, []byte(work), 0o600); err != nil {
			return fmt.Errorf("write go.work: %w", err)
		}
		version = "v0.0.0"
	case version == "":
		return errors.New("a single Go file is built with the source of JobRunner's Go module, which is not at hand: " +
			"say where it is (JOBRUNNER_GO_SDK), or put the handler into a folder with a go.mod of its own, " +
			"or build it elsewhere and put the program in its place")
	}
	mod := fmt.Sprintf("module handler\n\ngo %s\n\nrequire %s %s\n", goVersion, module, version)
	if err := os.WriteFile(filepath.Join(g.dir, "go.mod"), []byte(mod), 0o600); err != nil {
		return fmt.Errorf("write go.mod: %w", err)
	}
	return nil
}

// goVersion is the version of the language that single files are written in.
const goVersion = "1.26"

// goSDK finds the source of our own module, or else the version of it that this
// program was built from; both are "" for a development version away from its source.
func (l *Loader) goSDK() (dir, version string) {
	for _, dir := range []string{l.opts.GoSDK, os.Getenv("JOBRUNNER_GO_SDK")} {
		if dir != "" {
			return dir, ""
		}
	}
	if wd, err := os.Getwd(); err == nil {
		for dir := wd; ; dir = filepath.Dir(dir) {
			if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil &&
				strings.HasPrefix(string(text), "module "+module+"\n") {
				return dir, ""
			}
			if filepath.Dir(dir) == dir {
				break
			}
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == module && strings.HasPrefix(info.Main.Version, "v") &&
		!strings.Contains(info.Main.Version, "+dirty") {
		return "", info.Main.Version
	}
	return "", ""
}

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/telemetry"
	"github.com/jobrunner-dev/jobrunner/internal/worker/codeframe"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

// handlersDir is where dev looks for handlers, and so where new ones go.
const handlersDir = "handlers"

// handlerFlags are the settings of commands that load handlers.
var handlerFlags = []string{"config", "log-level", "log-format", "handler-env", "cache-dir", "go-sdk"}

func newHandler(p *Process) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "handler",
		Short: "Write, try and check job handlers",
	}
	cmd.AddCommand(newHandlerNew(p), newHandlerRun(p), newHandlerCheck(p), newHandlerList(p))
	for _, sub := range cmd.Commands() {
		sub.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
		if args := sub.Args; args != nil {
			sub.Args = func(cmd *cobra.Command, given []string) error { return usage(args(cmd, given)) }
		}
	}
	return cmd
}

// oneArgument wants exactly one argument, and says what it is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s takes one argument: %s; see %[1]s --help", cmd.CommandPath(), what)
	}
}

// openLoader makes the loader that a worker would have. Its log tells of
// trouble only, unless a level was asked for: the commands say the rest.
func (p *Process) openLoader(cmd *cobra.Command) (*runtime.Loader, *slog.Logger, error) {
	cfg, _, err := p.settings(cmd)
	if err != nil {
		return nil, nil, usage(err)
	}
	level := cfg.LogLevel
	if cfg.Origin("log-level") == config.OriginDefault {
		level = "error"
	}
	log, err := telemetry.NewLogger(p.Stderr, level, cfg.LogFormat)
	if err != nil {
		return nil, nil, usage(err)
	}
	loader, err := runtime.NewLoader(loaderOptions(cfg, log))
	if err != nil {
		return nil, nil, usage(err)
	}
	return loader, log, nil
}

// loaderOptions are what the settings say of handlers in child processes.
func loaderOptions(cfg *config.Loaded, log *slog.Logger) runtime.LoaderOptions {
	return runtime.LoaderOptions{CacheDir: cfg.CacheDir, Env: cfg.HandlerEnv, GoSDK: cfg.GoSDK, Logger: log}
}

// withHandlers loads handlers for as long as use runs.
func (p *Process) withHandlers(cmd *cobra.Command, paths []string, use func(*trial.Library) error) (err error) {
	loader, log, err := p.openLoader(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, loader.Close()) }()
	library, err := p.openLibrary(cmd.Context(), loader, log, paths...)
	if err != nil {
		return usage(err)
	}
	defer func() { err = errors.Join(err, library.Close()) }()
	return use(library)
}

// patience is how long nothing is said while handlers are loaded.
const patience = 2 * time.Second

// openLibrary loads handlers. If that takes long, as the first build of one in Go
// does, it says so.
func (p *Process) openLibrary(ctx context.Context, loader *runtime.Loader, log *slog.Logger, paths ...string) (*trial.Library, error) {
	loaded := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		select {
		case <-loaded:
		case <-time.After(patience):
			_, _ = fmt.Fprintf(p.Stderr, "loading %s …\n", strings.Join(paths, ", "))
		}
	})
	defer teller.Wait()
	defer close(loaded)
	return trial.Open(ctx, loader, log, paths...)
}

// orHandlerDirs returns the named paths, else the folders that dev loads, else
// the working directory.
func orHandlerDirs(named []string) []string {
	if len(named) > 0 {
		return named
	}
	var found []string
	for _, dir := range []string{handlersDir, pluginsDir} {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			found = append(found, dir)
		}
	}
	if len(found) == 0 {
		return []string{"."}
	}
	return found
}

// describeProblem writes why a source did not load, in the form that editors
// and other programs find the place in.
func describeProblem(e *catalogue.LoadError) string {
	at := codeframe.Place{File: shortPath(e.File), Line: e.Line, Column: e.Column}
	text := fmt.Sprintf("%s: %s\n", at, e.Message)
	if frame := strings.TrimRight(e.Frame, "\n"); frame != "" {
		text += frame + "\n"
	}
	return text
}

// shortPath is the path from the working directory, if the file lies below it.
func shortPath(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	short, err := filepath.Rel(dir, path)
	if err != nil || short == ".." || strings.HasPrefix(short, ".."+string(filepath.Separator)) {
		return path
	}
	return short
}

// printJSON prints a value for programs.
func (p *Process) printJSON(value any) error {
	enc := json.NewEncoder(p.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}

// interruptible is a context that says, when ctx ends, that somebody has stopped
// the command.
func interruptible(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(errInterrupted) })
	return own, func(cause error) {
		stop()
		cancel(cause)
	}
}

var errInterrupted = errors.New("stopped by a signal")

package cli

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// liveSettings are those that a worker takes over while it runs.
var liveSettings = []string{"queue", "worker", "job-timeout", "unknown-jobs"}

// reloader keeps a worker's settings in step with the configuration.
type reloader struct {
	process    *Process
	cmd        *cobra.Command
	supervisor *worker.Supervisor
	log        *slog.Logger
	// prepare completes a configuration as the command did at its start.
	prepare func(*config.Loaded)
	current *config.Loaded
}

// run loads the configuration again when its file changes or the process is
// told to, until ctx ends.
func (r *reloader) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	asked := make(chan struct{}, 1)
	ask := func() {
		select {
		case asked <- struct{}{}:
		default:
		}
	}
	g.Go(func() error { return r.watchFile(ctx, ask) })
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-r.process.Reload:
				r.log.InfoContext(ctx, "told to load the configuration again")
			case <-asked:
			}
			r.reload(ctx)
		}
	})
	return g.Wait()
}

// watchFile calls changed for each change of the configuration file, if there is one.
func (r *reloader) watchFile(ctx context.Context, changed func()) (err error) {
	if r.current.FileName == "" {
		return nil
	}
	file, err := filepath.Abs(r.current.FileName)
	if err != nil {
		return err
	}
	w, err := watcher.New(watcher.Options{Logger: r.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := w.Add(filepath.Dir(file)); err != nil {
		return err
	}
	return w.Run(ctx, func(c watcher.Change) {
		if c.Lost || slices.Contains(c.Paths, file) {
			changed()
		}
	})
}

// reload takes over what may change at once, and says what else has. A
// configuration that cannot be used leaves the present one in force.
func (r *reloader) reload(ctx context.Context) {
	next, err := config.Load(r.cmd.Flags(), r.process.Env)
	var settings worker.Settings
	if err == nil {
		r.prepare(next)
		settings, err = workerSettings(next)
	}
	if err == nil {
		err = r.supervisor.Apply(ctx, settings)
	}
	if err != nil {
		r.log.ErrorContext(ctx, "the configuration cannot be used; the one before stays in force", slog.Any("error", err))
		return
	}
	if names := changedSettings(r.current, next); len(names) > 0 {
		r.log.WarnContext(ctx, "some settings have changed that take effect with the next start", slog.Any("settings", names))
	}
	r.current = next
}

// changedSettings names the settings that differ and are not taken over.
func changedSettings(before, after *config.Loaded) []string {
	old := map[string]config.Value{}
	for _, v := range before.Values() {
		old[v.Name] = v
	}
	var names []string
	for _, v := range after.Values() {
		if !slices.Contains(liveSettings, v.Name) && !reflect.DeepEqual(v.Value, old[v.Name].Value) {
			names = append(names, v.Name)
		}
	}
	return names
}

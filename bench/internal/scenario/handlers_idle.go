package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
)

// idleHandlers measures a worker that has many handlers and no jobs.
func idleHandlers() Scenario {
	const (
		key      = "handlers-idle"
		handlers = 50
		// settle is how long the worker may take to end what it has started to
		// describe its handlers.
		settle = 30 * time.Second
	)
	return Scenario{
		Key: key, Peers: []string{peer.JobRunner.Key}, Setup: openHandlers,
		Measures: []Measure{{key, fmt.Sprintf("A worker with %d handlers and no jobs", handlers), []Figure{Resident, Children}}},
		Round: func(ctx context.Context, b *Bench, _ *Subject) (_ map[string]Sample, err error) {
			files := map[string]string{}
			for n := range handlers {
				files[fmt.Sprintf("handler-%d.js", n)] = "export default (job) => job.data;\n"
			}
			dir, err := handlerDir(files)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			w, err := b.handlers.start(ctx, dir, handlerConcurrency)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, w.Stop()) }()
			// What is left after that time is what there is.
			_ = until(ctx, settle, func() bool { return w.Children() == 0 })
			if err := pause(ctx, 2*time.Second); err != nil {
				return nil, err
			}
			return map[string]Sample{key: {
				Resident: float64(w.Memory()) / 1e6, Children: float64(w.Children()),
			}}, nil
		},
	}
}

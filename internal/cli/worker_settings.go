package cli

import (
	"cmp"
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

// errNoQueues says how to name queues.
var errNoQueues = errors.New("--queue is required, or worker.queues in the configuration file: " +
	"a worker takes jobs only from queues it was told to serve")

// workerSettings are what may change while the worker runs.
func workerSettings(cfg *config.Loaded) (worker.Settings, error) {
	settings := worker.Settings{
		Timeout: cfg.JobTimeout, Unknown: worker.UnknownPolicy(cfg.UnknownJobs), Handlers: map[string]worker.HandlerSettings{},
	}
	queues, err := parseQueues(cfg.Queues)
	if err != nil {
		return settings, err
	}
	for _, q := range queues {
		settings.Queues = append(settings.Queues, worker.Queue{Name: q.name, Concurrency: q.concurrency})
	}
	for i := range cfg.Worker.Queues {
		settings.Queues = append(settings.Queues, queueSettings(&cfg.Worker.Queues[i]))
	}
	if len(settings.Queues) == 0 {
		return settings, errNoQueues
	}
	for name, h := range cfg.Worker.Handlers {
		settings.Handlers[name] = handlerSettings(h)
	}
	return settings, nil
}

func queueSettings(q *config.WorkerQueue) worker.Queue {
	out := worker.Queue{
		Name: cmp.Or(q.Name, q.Pattern), Prefix: q.Prefix, Concurrency: cmp.Or(q.Concurrency, defaultConcurrency), Handlers: q.Handlers,
	}
	if l := q.RateLimit; l != nil {
		out.RateLimit = &bullmq.RateLimit{Max: l.Max, Duration: time.Duration(l.Duration)}
	}
	return out
}

func handlerSettings(h config.WorkerHandler) worker.HandlerSettings {
	out := worker.HandlerSettings{Disabled: h.Disabled, Concurrency: h.Concurrency, Memory: int64(h.Memory), CPU: h.CPU}
	if h.Timeout != nil {
		out.Timeout = cmp.Or(time.Duration(*h.Timeout), -1) // 0 is no limit here, and nothing said there
	}
	return out
}

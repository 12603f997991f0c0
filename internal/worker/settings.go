package worker

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
)

// Settings are the choices of a [Supervisor] that may change while it runs; see
// [Supervisor.Apply].
type Settings struct {
	// Queues are what to serve. At least one is required. Of two that fit a queue
	// the one that names it counts, of two patterns the first.
	Queues []Queue
	// Handlers are choices for handlers by name, or by a pattern of names. A
	// handler's own name goes before patterns, a longer pattern before a shorter.
	Handlers map[string]HandlerSettings
	// Timeout is how long an attempt may take if its handler does not say.
	// Defaults to 0, which means no limit.
	Timeout time.Duration
	// Unknown says what becomes of jobs without a handler. Defaults to [UnknownDelay].
	Unknown UnknownPolicy
	// UnknownRetry is how long such a job is put back for the first time; later it
	// is up to four times as long. Defaults to 30 s.
	UnknownRetry time.Duration
}

// Queue is a queue to serve, or a pattern of such.
type Queue struct {
	// Name is the queue's name without its prefix. A * in it stands for any text:
	// then all queues are served that fit, those that come later included.
	Name string
	// Prefix is the queue's key prefix. Defaults to that of the options.
	Prefix string
	// Concurrency is how many of its jobs run at once. Defaults to 1.
	Concurrency int
	// Handlers are the names, or patterns of names, of the handlers whose jobs it
	// runs. None means all. Other jobs are treated as those without a handler.
	Handlers []string
	// RateLimit bounds how many jobs start within a time, over all workers of the
	// queue that have a limit. Nil sets none.
	RateLimit *bullmq.RateLimit
}

// IsPattern reports whether the queue stands for all that fit its name.
func (q *Queue) IsPattern() bool { return wildcard.Is(q.Name) }

// allows reports whether jobs of that name may run.
func (q *Queue) allows(handler string) bool {
	return len(q.Handlers) == 0 || wildcard.Any(q.Handlers, handler)
}

// HandlerSettings are an operator's choices for one handler. They go before what
// its author advises.
type HandlerSettings struct {
	// Disabled has its jobs wait until it is enabled again.
	Disabled bool
	// Concurrency is how many of its jobs run at once over all queues. 0 leaves it
	// to the author, -1 sets no limit.
	Concurrency int
	// Timeout is how long an attempt may take. 0 leaves it to the author, -1 sets no
	// limit.
	Timeout time.Duration
	// Memory bounds the memory of the process that it runs in, in bytes, and CPU its
	// processor time, in cores. Handlers of one module share a process and the
	// larger bound. 0 leaves them to the module's policy.
	Memory int64
	CPU    float64
}

// UnknownPolicy says what becomes of a job whose name no handler answers.
type UnknownPolicy string

// The policies for jobs without a handler.
const (
	// UnknownDelay puts the job back for a while; it keeps its attempts.
	UnknownDelay UnknownPolicy = "delay"
	// UnknownFail fails the job at once, for good.
	UnknownFail UnknownPolicy = "fail"
)

func (s Settings) withDefaults(prefix string) Settings {
	s.Unknown = cmp.Or(s.Unknown, UnknownDelay)
	s.UnknownRetry = cmp.Or(s.UnknownRetry, 30*time.Second)
	s.Queues = slices.Clone(s.Queues)
	for i := range s.Queues {
		q := &s.Queues[i]
		q.Concurrency = cmp.Or(q.Concurrency, 1)
		q.Prefix = cmp.Or(q.Prefix, prefix)
		q.Handlers = slices.Clone(q.Handlers)
		if slices.Contains(q.Handlers, "*") {
			q.Handlers = nil
		}
	}
	s.Handlers = maps.Clone(s.Handlers)
	return s
}

func (s *Settings) validate(backend bullmq.Backend) error {
	if len(s.Queues) == 0 {
		return errors.New("at least one queue is required")
	}
	seen := map[queueKey]bool{}
	for i := range s.Queues {
		q := &s.Queues[i]
		if err := q.validate(backend); err != nil {
			return fmt.Errorf("queue %q: %w", q.Name, err)
		}
		if seen[q.key()] {
			return fmt.Errorf("queue %q is named twice", q.Name)
		}
		seen[q.key()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(s.Handlers)) {
		h := s.Handlers[name]
		switch {
		case name == "":
			return errors.New("a handler's settings have no name")
		case h.Concurrency < -1:
			return fmt.Errorf("handler %q: concurrency must be at least 1, or -1 for no limit", name)
		case h.Timeout < 0 && h.Timeout != -1:
			return fmt.Errorf("handler %q: timeout must not be negative", name)
		case h.Memory < 0 || h.CPU < 0:
			return fmt.Errorf("handler %q: bounds of memory and cpu must not be negative", name)
		}
	}
	if s.Timeout < 0 {
		return errors.New("timeout must not be negative")
	}
	if s.Unknown != UnknownDelay && s.Unknown != UnknownFail {
		return fmt.Errorf("policy for jobs without a handler is %q, want %q or %q", s.Unknown, UnknownDelay, UnknownFail)
	}
	return nil
}

func (q *Queue) validate(backend bullmq.Backend) error {
	if q.Concurrency < 1 {
		return errors.New("concurrency must be at least 1")
	}
	if slices.Contains(q.Handlers, "") {
		return errors.New("the name of a handler that it allows is empty")
	}
	// The engine knows best what it takes; nothing is started by asking.
	_, err := bullmq.NewWorker(backend, q.Name, nil, q.workerOptions())
	return err
}

// workerOptions are the engine's, as far as the queue's settings go.
func (q *Queue) workerOptions() *bullmq.WorkerOptions {
	return &bullmq.WorkerOptions{Prefix: q.Prefix, Concurrency: q.Concurrency, Limiter: q.RateLimit}
}

// handler returns the choices for the handler of that name.
func (s *Settings) handler(name string) HandlerSettings {
	if h, ok := s.Handlers[name]; ok {
		return h
	}
	best := ""
	for pattern := range s.Handlers {
		better := len(pattern) > len(best) || len(pattern) == len(best) && pattern < best
		if wildcard.Is(pattern) && better && wildcard.Match(pattern, name) {
			best = pattern
		}
	}
	return s.Handlers[best]
}

// queueKey identifies a queue, or a pattern, over all prefixes.
type queueKey struct{ prefix, name string }

func (q *Queue) key() queueKey { return queueKey{q.Prefix, q.Name} }

// find returns the settings under which a queue that exists is served, and
// whether it is.
func (s *Settings) find(key queueKey) (Queue, bool) {
	i := slices.IndexFunc(s.Queues, func(q Queue) bool { return q.key() == key })
	if i < 0 {
		i = slices.IndexFunc(s.Queues, func(q Queue) bool {
			return q.Prefix == key.prefix && q.IsPattern() && wildcard.Match(q.Name, key.name)
		})
	}
	if i < 0 {
		return Queue{}, false
	}
	return s.Queues[i], true
}

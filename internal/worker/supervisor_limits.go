package worker

import (
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// limit is how many jobs a handler runs at once over all queues, 0 for any number.
func (s *Supervisor) limit(h *catalogue.Handler) int {
	switch own := s.settings.Load().handler(h.Name).Concurrency; {
	case own < 0:
		return 0
	case own > 0:
		return own
	case h.Defaults != nil:
		return h.Defaults.Concurrency
	default:
		return 0
	}
}

// limitOf is the limit of the handler in service under a name.
func (s *Supervisor) limitOf(name string) int {
	if h := s.registry.Lookup(name); h != nil {
		return s.limit(h)
	}
	return s.limit(&catalogue.Handler{Name: name})
}

// timeout is how long an attempt of a handler may take, 0 for any time.
func (s *Supervisor) timeout(h *catalogue.Handler) time.Duration {
	settings := s.settings.Load()
	switch own := settings.handler(h.Name).Timeout; {
	case own < 0:
		return 0
	case own > 0:
		return own
	case h.Defaults != nil && h.Defaults.TimeoutMS > 0:
		return time.Duration(h.Defaults.TimeoutMS) * time.Millisecond
	default:
		return settings.Timeout
	}
}

// tuning is what the settings of this moment say of processes.
func (s *Supervisor) tuning() tuning {
	t := tuning{settings: func(handler string) HandlerSettings { return s.settings.Load().handler(handler) }, policy: sandbox.Default()}
	if s.opts.Runtime.Policy != nil {
		t.policy = *s.opts.Runtime.Policy
	}
	return t
}

package backend

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// followTimeout bounds the call to Redis that a new queue's events need.
const followTimeout = 2 * time.Second

// followQueue makes the hub read a queue that the API has just written to, if
// it does not yet, so that its first events reach those who watch.
func (s *Server) followQueue(name string) {
	if slices.Contains(s.hub.Queues(), name) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), followTimeout)
	defer cancel()
	if err := s.hub.Follow(ctx, name); err != nil {
		s.opts.Logger.WarnContext(ctx, "events of new queue not followed yet", slog.String("queue", name), slog.Any("error", err))
	}
}

package webhook

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	pruneInterval = time.Hour
	// pruneBatch keeps one statement from holding the database for long.
	pruneBatch = 1000
)

// prune removes old deliveries from the log now and then, until ctx ends.
func (s *Service) prune(ctx context.Context) {
	for ctx.Err() == nil {
		before := s.now().Add(-s.opts.Retention).UnixMilli()
		for {
			n, err := s.store.PruneDeliveries(ctx, before, pruneBatch)
			if err != nil && ctx.Err() == nil {
				s.opts.Logger.WarnContext(ctx, "old webhook deliveries could not be removed", slog.Any("error", err))
			}
			if err != nil || n < pruneBatch {
				break
			}
		}
		pause(ctx, pruneInterval/2+rand.N(pruneInterval)) //nolint:gosec // jitter is no secret
	}
}

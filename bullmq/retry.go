package bullmq

import (
	"context"
	"math/rand/v2"
	"time"
)

// retryDelay grows from about 50 ms to about 5 s with the number of failures in a row.
func retryDelay(failures int) time.Duration {
	d := 100 * time.Millisecond << min(failures-1, 6)
	d = min(d, 5*time.Second)
	return d/2 + rand.N(d/2+1) //nolint:gosec // a pause is no secret
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

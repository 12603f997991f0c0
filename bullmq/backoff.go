package bullmq

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// BackoffStrategy computes the pause before a job's next attempt, for jobs whose
// [Backoff] has a type that is not built in. It is given how many attempts have
// been made, the last one included. A negative pause ends the job as failed.
type BackoffStrategy func(attemptsMade int, job *Job, err error) time.Duration

// backoff returns the pause before the next attempt of a job.
func (w *Worker) backoff(job *Job, err error) (time.Duration, error) {
	b, made := job.Opts.Backoff, job.AttemptsMade+1
	switch {
	case b == nil:
		return 0, nil
	case b.Type == BackoffFixed || b.Type == BackoffExponential:
		return b.next(made), nil
	case w.opts.BackoffStrategy == nil:
		return 0, fmt.Errorf("unknown backoff type %q: give the worker a BackoffStrategy for it", b.Type)
	default:
		return w.opts.BackoffStrategy(made, job, err), nil
	}
}

// next returns the pause after the given number of attempts.
func (b *Backoff) next(made int) time.Duration {
	ms := float64(b.Delay.Milliseconds())
	if b.Type == BackoffExponential {
		ms = math.Round(math.Pow(2, float64(made-1)) * ms)
	}
	if b.Jitter > 0 {
		ms = math.Floor(rand.Float64()*ms*b.Jitter + ms*(1-b.Jitter)) //nolint:gosec // a pause is no secret
	}
	return millis(min(ms, math.MaxInt32*1000))
}

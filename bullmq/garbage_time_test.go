package bullmq_test

import (
	"context"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// mayCall is how many calls a worker may make in a second in which there is
// nothing to do: it looks once a second, with two calls.
const mayCall = 10

// oddTimes are scores that stand for no time, or for one that nobody lives to see.
var oddTimes = map[string][]string{
	"delayed for ever":         {"ZADD", "{q}delayed", "inf", "never"},
	"delayed beyond time":      {"ZADD", "{q}delayed", "1e300", "never"},
	"delayed by 300,000 years": {"ZADD", "{q}delayed", "4e19", "never"},
	"marked for ever":          {"ZADD", "{q}marker", "inf", "1"},
	"marked beyond time":       {"ZADD", "{q}marker", "1e300", "1"},
	"marked before time":       {"ZADD", "{q}marker", "-inf", "1"},
}

func TestTimesBeyondTheClockKeepNoWorkerBusy(t *testing.T) {
	t.Parallel()
	for name, command := range oddTimes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var err error
			b.backend, err = bullmq.OpenRedis(b.ctx, testenv.StartRedis(t).URL, nil)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, b.backend.Close()) })
			b.queue = b.newQueue(t, "q")
			b.do(t, append([]string{"HSET", "{q}never"}, sound()...)...)
			b.do(t, append([]string(nil), command...)...)
			b.work(t, "q", bullmq.WorkerOptions{DrainDelay: time.Second}, func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
			job, err := b.queue.Add(b.ctx, "x", nil, nil)
			require.NoError(t, err)
			eventually(t, "the worker is at work", func() bool {
				state, err := job.State(b.ctx)
				require.NoError(t, err)
				return state == bullmq.StateCompleted
			})
			before := b.calls(t)
			time.Sleep(time.Second) // a second is what is looked at
			require.Less(t, b.calls(t)-before, mayCall)
		})
	}
}

var callsPattern = regexp.MustCompile(`cmdstat_(?:evalsha|bzpopmin):calls=(\d+)`)

// calls is how many scripts and waits the server has seen.
func (b *bench) calls(t *testing.T) (n int) {
	t.Helper()
	c := b.backend.Client()
	stats, err := c.Do(b.ctx, c.B().Info().Section("commandstats").Build()).ToString()
	require.NoError(t, err)
	for _, match := range callsPattern.FindAllStringSubmatch(stats, -1) {
		calls, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		n += calls
	}
	return n
}

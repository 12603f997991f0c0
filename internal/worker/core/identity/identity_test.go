package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/identity"
)

func TestAnIdentityBelongsToOneJobAtAllItsAttempts(t *testing.T) {
	t.Parallel()
	job := handler.Job{ID: "1", Queue: "q", Prefix: "bull", Attempt: 1, Timestamp: time.UnixMilli(1000)}
	first := identity.Of(&job)
	require.Regexp(t, "^[0-9a-f]{32}$", first)
	again := job
	again.Attempt, again.AttemptsStarted = 2, 5
	require.Equal(t, first, identity.Of(&again))
	for _, change := range []func(*handler.Job){
		func(j *handler.Job) { j.ID = "2" },
		func(j *handler.Job) { j.Queue = "r" },
		func(j *handler.Job) { j.Prefix = "other" },
		func(j *handler.Job) { j.Timestamp = time.UnixMilli(2000) },
	} {
		other := job
		change(&other)
		require.NotEqual(t, first, identity.Of(&other))
	}
}

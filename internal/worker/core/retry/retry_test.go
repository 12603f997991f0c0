package retry_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/coretest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
)

var errBusy = errors.New("busy")

// repeat counts the tries of a request that always fails so.
func repeat(ctx *handlertest.Context, p retry.Policy, failure error) (int, error) {
	tries := 0
	err := p.Do(ctx, func(context.Context) error {
		tries++
		return failure
	})
	return tries, err
}

func TestOnlyWhatMaySucceedIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := coretest.New(t.Context(), "x", "{}")
		policy := retry.Policy{Tries: 3, Hold: time.Minute, Total: time.Hour}
		tries, err := repeat(ctx, policy, errBusy)
		require.Equal(t, 1, tries)
		require.Equal(t, errBusy, err)

		tries, err = repeat(ctx, policy, retry.Again(errBusy, 0))
		require.Equal(t, 3, tries)
		require.Equal(t, errBusy, err, "without the wrapping")
		require.Len(t, ctx.Logged(), 2)

		began := time.Now()
		tries, _ = repeat(ctx, policy, retry.Again(errBusy, 40*time.Second))
		require.Equal(t, 3, tries)
		require.Equal(t, 80*time.Second, time.Since(began), "as long as the server asks")

		tries, err = repeat(ctx, retry.Policy{Tries: 100, Hold: time.Minute, Total: 90 * time.Second}, retry.Again(errBusy, 40*time.Second))
		require.Equal(t, 3, tries)
		require.Equal(t, errBusy, err, "the total ends it")

		tries, err = repeat(ctx, retry.Policy{Total: time.Minute}, retry.Again(errBusy, 0))
		require.Equal(t, 1, tries)
		require.Equal(t, errBusy, err)
	})
}

func TestALongPausePutsTheJobBackButNotForEver(t *testing.T) {
	t.Parallel()
	ctx := coretest.New(t.Context(), "x", "{}")
	policy := retry.Policy{Tries: 3, Hold: time.Second, Total: time.Minute}
	tries, err := repeat(ctx, policy, retry.Again(errBusy, time.Hour))
	require.Equal(t, 1, tries)
	require.NotErrorIs(t, err, errBusy)
	require.ErrorContains(t, err, "job is delayed for 1h")
	require.Regexp(t, "busy; the server asks to wait 1h", ctx.Logged()[0])

	ctx.Job().AttemptsStarted = 1 + retry.MaxDelays
	_, err = repeat(ctx, policy, retry.Again(errBusy, time.Hour))
	require.Equal(t, errBusy, err)

	_, err = repeat(coretest.New(t.Context(), "x", "{}"), policy, retry.Again(errBusy, 25*time.Hour))
	require.Equal(t, errBusy, err)
}

func TestAPauseEndsWithTheAttempt(t *testing.T) {
	t.Parallel()
	errStop := errors.New("stop")
	stopped, stop := context.WithCancelCause(t.Context())
	ctx := coretest.New(stopped, "x", "{}")
	err := retry.Policy{Tries: 3, Hold: time.Hour, Total: 2 * time.Hour}.Do(ctx, func(context.Context) error {
		time.AfterFunc(time.Millisecond, func() { stop(errStop) })
		return retry.Again(errBusy, time.Hour)
	})
	require.ErrorIs(t, err, errStop)
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		" 1.5 ":                         1500 * time.Millisecond,
		"-5":                            0,
		"NaN":                           0,
		"soon":                          0,
		"1e300":                         87_600 * time.Hour,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		require.Equal(t, want, retry.After(http.Header{"Retry-After": {text}}, now), text)
	}
}

func TestTemporaryStatuses(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504, 529} {
		require.True(t, retry.Temporary(status), status)
	}
	for _, status := range []int{200, 301, 400, 401, 404, 422, 501, 505, 511} {
		require.False(t, retry.Temporary(status), status)
	}
}

package auth

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPrincipalSeesTheQueuesOfItsPatterns(t *testing.T) {
	t.Parallel()
	require.True(t, (&Principal{}).SeesQueue("any"))
	require.False(t, (&Principal{Queues: []string{"a"}}).SeesQueue("b"))
}

func TestScopesAreReadWithTheirShortForms(t *testing.T) {
	t.Parallel()
	got, unknown := ParseScopes([]string{"jobs:*", "queues:read", "jobs:read"})
	require.Empty(t, unknown)
	require.Equal(t, []Scope{JobsRead, JobsWrite, QueuesRead}, got)
	for _, text := range []string{"", "*", "jobs", "jobs:", "jobs:delete", "*:*"} {
		_, unknown := ParseScopes([]string{text, "jobs:read"})
		require.Equal(t, text, unknown)
	}
}

func TestRolesGrow(t *testing.T) {
	t.Parallel()
	require.Subset(t, RoleOperator.Scopes(), RoleViewer.Scopes())
	require.Subset(t, RoleAdmin.Scopes(), RoleOperator.Scopes())
	require.Empty(t, Role("other").Scopes())
	require.NotContains(t, RoleOperator.Scopes(), KeysAdmin)
}

func TestGuessingIsSlowedDownByAccountAndByAddress(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	th := newThrottle(func() time.Time { return now })
	for range accountBurst {
		require.Zero(t, th.attempt("a", "x"))
	}
	require.Equal(t, accountPause, th.attempt("a", "x").Round(time.Millisecond))
	require.Zero(t, th.attempt("b", "x"), "another address")
	now = now.Add(accountPause)
	require.Zero(t, th.attempt("a", "x"))
	require.NotZero(t, th.attempt("a", "x"))
	th.succeeded("a", "x")
	require.Zero(t, th.attempt("a", "x"))

	for i := range addressBurst {
		require.Zero(t, th.attempt("c", fmt.Sprint(i)))
	}
	require.NotZero(t, th.attempt("c", "one more"))
}

func TestStrangersCannotFillTheMemory(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	th := newThrottle(func() time.Time { return now })
	for i := range 2 * maxThrottled {
		th.attempt(fmt.Sprint(i), "x")
	}
	require.LessOrEqual(t, len(th.limiters), maxThrottled)
}

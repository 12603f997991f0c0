package turn_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/turn"
)

func join(t *testing.T, b *turn.Book, queue string, limit int) *turn.Ticket {
	t.Helper()
	ticket, later := b.Join("h", queue, limit, true)
	require.NotNil(t, ticket)
	require.Zero(t, later)
	return ticket
}

func TestHeldJobsRunOneQueueAfterTheOther(t *testing.T) {
	t.Parallel()
	var b turn.Book
	first := join(t, &b, "a", 1)
	require.True(t, first.Granted())
	a1, a2, b1 := join(t, &b, "a", 1), join(t, &b, "a", 1), join(t, &b, "b", 1)
	require.Equal(t, map[string]int{"h": 3}, b.Held())
	before := first
	for _, next := range []*turn.Ticket{a1, b1, a2} {
		require.False(t, next.Granted())
		before.Leave()
		before.Leave() // does nothing
		<-next.Ready()
		before = next
	}
	require.Empty(t, b.Held())
	gone := join(t, &b, "a", 1)
	waits := join(t, &b, "a", 1)
	gone.Leave()
	before.Leave()
	require.True(t, waits.Granted(), "a place that was given up is passed over")
}

func TestWithoutALimitEveryJobRuns(t *testing.T) {
	t.Parallel()
	var b turn.Book
	for range 100 {
		require.True(t, join(t, &b, "a", 0).Granted())
	}
}

func TestALimitThatChangesLetsHeldJobsGo(t *testing.T) {
	t.Parallel()
	var b turn.Book
	join(t, &b, "a", 1)
	second, third, fourth := join(t, &b, "a", 1), join(t, &b, "a", 1), join(t, &b, "a", 1)
	b.Limit(func(string) int { return 2 })
	require.True(t, second.Granted())
	require.False(t, third.Granted())
	fifth := join(t, &b, "a", 0)
	require.True(t, third.Granted())
	require.True(t, fourth.Granted())
	require.True(t, fifth.Granted())
}

func TestABacklogIsSpreadAtTheHandlersPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b turn.Book
		pace := join(t, &b, "a", 2)
		time.Sleep(100 * time.Millisecond)
		pace.Leave() // a job takes 100 ms
		join(t, &b, "a", 2)
		join(t, &b, "a", 2)
		held := 0
		var delays []time.Duration
		for range 500 {
			ticket, later := b.Join("h", "a", 2, true)
			if ticket != nil {
				held++
				continue
			}
			delays = append(delays, later)
		}
		require.Equal(t, 16, held, "the least that is held, for it is more than 50 ms of work")
		for i, d := range delays {
			// Two jobs at once, 100 ms each: one is done every 50 ms, and one comes back
			// every 37.5 ms. A quarter is jitter.
			due := min(time.Duration(held+i+1)*37500*time.Microsecond, 15*time.Second)
			require.LessOrEqual(t, d, max(due, 100*time.Millisecond))
			require.GreaterOrEqual(t, d, due*3/4)
		}
		_, later := b.Join("h", "other", 2, false)
		require.Positive(t, later, "a queue that holds enough jobs may not hold one more")
	})
}

func TestSeatsAreTakenInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := turn.NewSeats(1)
		require.NoError(t, s.Take(t.Context()))
		got := make(chan int)
		for i := range 3 {
			go func() {
				if s.Take(t.Context()) == nil {
					got <- i
				}
			}()
			synctest.Wait()
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, s.Take(ctx), context.Canceled)
		s.Leave()
		require.Equal(t, 0, <-got)
		s.Resize(3)
		require.ElementsMatch(t, []int{1, 2}, []int{<-got, <-got})
		require.Equal(t, 3, s.Taken())
	})
}

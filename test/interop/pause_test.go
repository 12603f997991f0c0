package interop

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPauseByOneEngineHoldsTheOther(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	for _, p := range pairs(goSide, node, newVersion5(t)) {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ctx, q, control := testContext(t), newQueue(t), newQueue(t)
			node := p.peer(node)
			p.consumer.startWorker(t, q, workerOptions{Concurrency: 3})
			id, err := p.producer.add(ctx, q, "echo", raw(`{}`), nil)
			require.NoError(t, err)
			awaitState(t, ctx, p.producer, q, id, "completed")

			require.NoError(t, p.producer.pause(ctx, q))
			for _, e := range []engine{node, goSide} {
				paused, err := e.isPaused(ctx, q)
				require.NoError(t, err)
				require.True(t, paused)
			}
			held, err := p.producer.addBulk(ctx, q, []bulkJob{
				{"echo", raw(`{}`), nil}, {"echo", raw(`{}`), raw(`{"priority":1}`)}, {"echo", raw(`{}`), raw(`{"delay":1}`)},
			})
			require.NoError(t, err)

			// Another queue of the same engine has run a job that was added later.
			p.consumer.startWorker(t, control, workerOptions{})
			id, err = p.producer.add(ctx, control, "echo", raw(`{}`), raw(`{"delay":50}`))
			require.NoError(t, err)
			awaitState(t, ctx, p.producer, control, id, "completed")
			for _, id := range held {
				job, err := p.producer.job(ctx, q, id)
				require.NoError(t, err)
				require.Zero(t, job.ProcessedOn, "job %s ran in a paused queue", id)
			}
			requireSameQueue(t, q, node, goSide)

			require.NoError(t, p.producer.resume(ctx, q))
			for _, e := range []engine{node, goSide} {
				awaitCounts(t, ctx, e, q, map[string]int64{"completed": 4})
			}
		})
	}
}

func TestWorkersOfOneEngineAreListedByTheOther(t *testing.T) {
	t.Parallel()
	goSide, node := engines(t)
	all := []engine{node, goSide, newVersion5(t)}
	ctx, q := testContext(t), newQueue(t)
	var want []string
	for _, e := range all {
		name := strings.ReplaceAll(nameOf(e), " ", "-")
		e.startWorker(t, q, workerOptions{Name: name})
		e.startWorker(t, q, workerOptions{})
		want = append(want, name, "")
	}
	for _, e := range all {
		var names []string
		eventually(t, nameOf(e)+" lists all workers", func() (_ bool, err error) {
			names, err = e.workers(ctx, q)
			return len(names) == len(want), err
		})
		require.ElementsMatch(t, want, names)
	}
}

package worker_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

// startWith runs a supervisor with one compiled-in handler.
func startWith(t *testing.T, name string, run handler.Func[json.RawMessage, any]) *bench {
	t.Helper()
	return start(t, nil, func(o *worker.Options) { o.Handlers = append(o.Handlers, define(t, name, run, nil)) })
}

// states lists the keys of saved states under the test's prefix.
func (b *bench) states() []string {
	b.t.Helper()
	client := b.backend.Client()
	keys, err := client.Do(b.t.Context(), client.B().Keys().Pattern("jobrunner:state:"+b.prefix+":*").Build()).AsStrSlice()
	require.NoError(b.t, err)
	return keys
}

// requireNoStates waits until nothing is kept of any job.
func (b *bench) requireNoStates() {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.states()) == 0 }, 5*time.Second, 5*time.Millisecond)
}

func TestAJobsStateLastsUntilItsEnd(t *testing.T) {
	t.Parallel()
	b := startWith(t, "steps", func(ctx handler.Context, in json.RawMessage) (any, error) {
		state, err := ctx.State()
		if err != nil {
			return nil, err
		}
		var step int
		if state != nil {
			if err := json.Unmarshal(state, &step); err != nil {
				return nil, err
			}
		}
		if step == 3 {
			if string(in) == `"fail"` {
				return nil, bullmq.Unrecoverable(errors.New("never again"))
			}
			return step, nil
		}
		if err := ctx.SaveState(step + 1); err != nil {
			return nil, err
		}
		if step == 0 {
			return nil, bullmq.DelayJob(time.Millisecond) // uses up no attempt
		}
		return nil, errors.New("not yet")
	})
	job := b.add("steps", `"complete"`, &bullmq.JobOptions{Attempts: 3})
	require.Equal(t, "3", string(b.wait(job, bullmq.StateCompleted).ReturnValue))
	b.requireNoStates()
	b.wait(b.add("steps", `"fail"`, &bullmq.JobOptions{Attempts: 5}), bullmq.StateFailed)
	b.requireNoStates()
}

func TestAStateExpiresAndIsBounded(t *testing.T) {
	t.Parallel()
	b := startWith(t, "saves", func(ctx handler.Context, _ json.RawMessage) (any, error) {
		if err := ctx.SaveState(strings.Repeat("x", handler.MaxStateBytes)); err == nil {
			return nil, errors.New("a state that is too large was saved")
		}
		if err := ctx.SaveState(json.RawMessage(`{"half":`)); err == nil {
			return nil, errors.New("a state that is not JSON was saved")
		}
		if err := ctx.SaveState("small"); err != nil {
			return nil, err
		}
		return nil, bullmq.DelayJob(time.Hour)
	})
	b.wait(b.add("saves", `{}`, nil), bullmq.StateDelayed)
	keys := b.states()
	require.Len(t, keys, 1)
	client := b.backend.Client()
	ttl, err := client.Do(t.Context(), client.B().Ttl().Key(keys[0]).Build()).AsInt64()
	require.NoError(t, err)
	require.InDelta(t, handler.StateTTL.Seconds(), ttl, 60)
}

func TestALaterJobWithTheSameIDHasNoStateOfTheFirst(t *testing.T) {
	t.Parallel()
	b := startWith(t, "again", func(ctx handler.Context, in json.RawMessage) (any, error) {
		if string(in) == `"first"` {
			return nil, errors.Join(ctx.SaveState("of the first"), bullmq.DelayJob(time.Hour))
		}
		if ctx.Job().AttemptsStarted == 1 {
			return nil, bullmq.DelayJob(time.Millisecond)
		}
		state, err := ctx.State()
		return string(state), err
	})
	opts := &bullmq.JobOptions{ID: "same"}
	first := b.wait(b.add("again", `"first"`, opts), bullmq.StateDelayed)
	require.NoError(t, first.Remove(t.Context(), nil))
	require.Equal(t, `""`, string(b.wait(b.add("again", `"second"`, opts), bullmq.StateCompleted).ReturnValue))
}

func TestAJobAddsChildrenAndWaitsForThem(t *testing.T) {
	t.Parallel()
	b := startWith(t, "family", func(ctx handler.Context, in json.RawMessage) (any, error) {
		if string(in) == `"child"` {
			return ctx.Job().Name + " of " + ctx.Job().Parent.ID, nil
		}
		if string(in) == `"failing child"` {
			return nil, errors.New("no paper left")
		}
		counts, err := ctx.Dependencies()
		if err != nil {
			return nil, err
		}
		if counts == (bullmq.DependencyCounts{}) {
			added, err := ctx.AddChildren(
				handler.NewJob{Name: "family", Data: "child"}, handler.NewJob{Name: "family", Data: "child"},
				handler.NewJob{Name: "family", Data: "failing child", Opts: &bullmq.JobOptions{IgnoreDependencyOnFailure: true}},
			)
			if err != nil {
				return nil, err
			}
			if len(added) != 3 || added[0].Queue != "q" || added[0].ID == added[1].ID {
				return nil, bullmq.Unrecoverable(errors.New("the added jobs are not told"))
			}
			return nil, bullmq.WaitForChildren()
		}
		values, err := ctx.ChildrenValues()
		if err != nil {
			return nil, err
		}
		failed, err := ctx.FailedChildren()
		return map[string]any{"values": len(values), "failed": len(failed), "processed": counts.Processed, "ignored": counts.Ignored}, err
	})
	job := b.wait(b.add("family", `"parent"`, nil), bullmq.StateCompleted)
	require.JSONEq(t, `{"values":2,"failed":1,"processed":2,"ignored":1}`, string(job.ReturnValue))
}

func TestJobsOfAHandlerAreAddedAllOrNone(t *testing.T) {
	t.Parallel()
	b := startWith(t, "adds", func(ctx handler.Context, _ json.RawMessage) (any, error) {
		for _, add := range []func(...handler.NewJob) ([]handler.AddedJob, error){ctx.AddJobs, ctx.AddChildren} {
			if _, err := add(handler.NewJob{Name: "fine", Queue: "side"}, handler.NewJob{
				Name: "wrong", Queue: "side", Opts: &bullmq.JobOptions{Priority: -1},
			}); err == nil {
				return nil, errors.New("a job with a wrong option was added")
			}
		}
		return ctx.AddJobs(handler.NewJob{Name: "fine", Queue: "side", Data: map[string]int{"n": 1}})
	})
	job := b.wait(b.add("adds", `{}`, nil), bullmq.StateCompleted)
	waiting, err := b.queue("side").Jobs(t.Context(), bullmq.JobsQuery{State: bullmq.StateWaiting, End: -1})
	require.NoError(t, err)
	require.Len(t, waiting, 1)
	require.JSONEq(t, `[{"id":"`+waiting[0].ID+`","queue":"side"}]`, string(job.ReturnValue))
	require.JSONEq(t, `{"n":1}`, string(waiting[0].Data))
	require.Empty(t, waiting[0].ParentKey)
}

func TestAHandlerReplacesItsJobsData(t *testing.T) {
	t.Parallel()
	b := startWith(t, "updates", func(ctx handler.Context, in json.RawMessage) (any, error) {
		if string(in) == `{"step":2}` {
			return "done", nil
		}
		return nil, errors.Join(ctx.UpdateData(map[string]int{"step": 2}), errors.New("again"))
	})
	job := b.wait(b.add("updates", `{"step":1}`, &bullmq.JobOptions{Attempts: 2}), bullmq.StateCompleted)
	require.JSONEq(t, `{"step":2}`, string(job.Data))
}

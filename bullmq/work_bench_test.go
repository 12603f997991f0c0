package bullmq_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// benchBulk returns a queue and b.N jobs to add to it.
func benchBulk(b *testing.B) (*bullmq.Redis, *bullmq.Queue, []bullmq.BulkJob) {
	b.Helper()
	backend, err := bullmq.OpenRedis(b.Context(), testenv.RedisURL(b), nil)
	require.NoError(b, err)
	b.Cleanup(func() { _ = backend.Close() })
	q, err := bullmq.NewQueue(backend, "q", &bullmq.QueueOptions{Prefix: testenv.Prefix(b)})
	require.NoError(b, err)
	bulk := make([]bullmq.BulkJob, b.N)
	for i := range bulk {
		bulk[i] = bullmq.BulkJob{Name: "noop", Data: map[string]string{"text": strings.Repeat("x", 80)}}
	}
	return backend, q, bulk
}

// BenchmarkFinishAndFetch measures what the server spends on a job that is
// fetched and finished in batches of several sizes, without a worker around it.
func BenchmarkFinishAndFetch(b *testing.B) {
	for _, batch := range []int{1, 10, 30, 100} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			backend, q, bulk := benchBulk(b)
			_, err := q.AddBulk(b.Context(), bulk)
			require.NoError(b, err)
			drain(b, backend, q, b.N, batch, 8)
		})
	}
}

// BenchmarkFinishAndFetchDelayed is the same for delayed jobs that are due.
func BenchmarkFinishAndFetchDelayed(b *testing.B) {
	backend, q, bulk := benchBulk(b)
	for i := range bulk {
		bulk[i].Opts = &bullmq.JobOptions{Delay: time.Millisecond}
	}
	_, err := q.AddBulk(b.Context(), bulk)
	require.NoError(b, err)
	drain(b, backend, q, b.N, 30, 8)
}

// BenchmarkFinishAndFetchFlow is the same for parents with four children each.
func BenchmarkFinishAndFetchFlow(b *testing.B) {
	backend, q, bulk := benchBulk(b)
	jobs := addFamilies(b, backend, q, bulk)
	drain(b, backend, q, jobs, 30, 0)
}

// addFamilies adds about as many jobs as bulk has, parents with four children each,
// and returns how many.
func addFamilies(b *testing.B, backend *bullmq.Redis, q *bullmq.Queue, bulk []bullmq.BulkJob) int {
	b.Helper()
	trees := make([]bullmq.FlowJob, max(len(bulk)/5, 1))
	for i := range trees {
		node := bullmq.FlowJob{Name: "noop", Queue: q.Name(), Prefix: q.Ref().Prefix, Data: bulk[0].Data}
		trees[i] = node
		trees[i].Children = []bullmq.FlowJob{node, node, node, node}
	}
	producer := bullmq.NewFlowProducer(backend, nil)
	for chunk := range slices.Chunk(trees, 200) {
		_, err := producer.AddBulk(b.Context(), chunk)
		require.NoError(b, err)
	}
	return len(trees) * 5
}

// drain fetches and finishes jobs in batches of a size. Fields is how many fields
// each of them has by then, 0 for those that have a parent.
func drain(b *testing.B, backend *bullmq.Redis, q *bullmq.Queue, jobs, batch, fields int) {
	b.Helper()
	before := serverCPU(b, backend)
	b.ResetTimer()
	req := bullmq.WorkRequest{Fetch: batch, Token: "token:1", LockDuration: 30 * time.Second}
	for done := 0; done < jobs; {
		reply, err := backend.FinishAndFetch(b.Context(), q.Ref(), req)
		require.NoError(b, err)
		done += len(req.Outcomes)
		req.Outcomes = req.Outcomes[:0]
		for _, job := range reply.Jobs {
			req.Outcomes = append(req.Outcomes, bullmq.Outcome{
				Kind: bullmq.OutcomeCompleted, ID: job.ID, Token: req.Token, ReturnValue: []byte("null"), Keep: *bullmq.KeepAll(),
				AttemptsMade: 1, Fields: fields,
			})
		}
	}
	b.StopTimer()
	b.ReportMetric((serverCPU(b, backend)-before)*1e6/float64(jobs), "redis-µs/job")
}

// serverCPU is the processor time that the server has used, in seconds.
func serverCPU(b *testing.B, backend *bullmq.Redis) float64 {
	b.Helper()
	c := backend.Client()
	info, err := c.Do(context.Background(), c.B().Info().Section("cpu").Build()).ToString()
	require.NoError(b, err)
	var total float64
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			f, err := strconv.ParseFloat(value, 64)
			require.NoError(b, err)
			total += f
		}
	}
	return total
}

// BenchmarkAddBulk measures what the server spends on a job of a bulk.
func BenchmarkAddBulk(b *testing.B) {
	backend, q, bulk := benchBulk(b)
	before := serverCPU(b, backend)
	b.ResetTimer()
	_, err := q.AddBulk(b.Context(), bulk)
	require.NoError(b, err)
	b.StopTimer()
	b.ReportMetric((serverCPU(b, backend)-before)*1e6/float64(b.N), "redis-µs/job")
}

// BenchmarkAddFlow measures what the server spends on a job of flows.
func BenchmarkAddFlow(b *testing.B) {
	backend, q, bulk := benchBulk(b)
	before := serverCPU(b, backend)
	b.ResetTimer()
	jobs := addFamilies(b, backend, q, bulk)
	b.StopTimer()
	b.ReportMetric((serverCPU(b, backend)-before)*1e6/float64(jobs), "redis-µs/job")
}

package scenario

import (
	"context"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// largeQueue is a server of its own that holds the backlog through all rounds,
// and a worker process for it.
type largeQueue struct {
	servers peer.Servers
	subject *Subject
	handled int // jobs worked off in earlier rounds
	total   int
}

// backlog compares a drain of a queue that holds no more than what is drained
// with the drain of as many jobs from a very long one. Small and large rounds
// alternate, on two servers.
func backlog(load Load) Scenario {
	figures := []Figure{Rate, ServerCPU, ClientCPU}
	return Scenario{
		Key: "backlog", Peers: []string{peer.JobRunner.Key},
		Measures: []Measure{
			{"backlog-none", fmt.Sprintf("Drain of %d jobs, no backlog", load.Jobs), figures},
			{"backlog", fmt.Sprintf("Drain of %d jobs out of a backlog of %d", load.Jobs, load.Backlog), figures},
		},
		Setup: func(ctx context.Context, b *Bench) error { return b.fillBacklog(ctx, load) },
		Round: func(ctx context.Context, b *Bench, s *Subject) (map[string]Sample, error) {
			if err := fill(ctx, b, s, peer.Batch{Jobs: load.Jobs, Bytes: payloadBytes}); err != nil {
				return nil, err
			}
			small, err := drain(ctx, b, s, load.Jobs, peer.WorkOptions{Concurrency: concurrency})
			if err != nil {
				return nil, err
			}
			large, err := b.backlog.drain(ctx, load.Jobs)
			return map[string]Sample{"backlog-none": small, "backlog": large}, err
		},
		Teardown: func(b *Bench) { b.backlog.close() },
	}
}

// spareRounds is how many rounds the backlog must last for beyond its size.
const spareRounds = 8

func (b *Bench) fillBacklog(ctx context.Context, load Load) error {
	redis, err := server.StartRedis(ctx)
	if err != nil {
		return err
	}
	q := &largeQueue{servers: peer.Servers{Redis: redis}, total: load.Backlog + spareRounds*load.Jobs}
	b.backlog = q
	if q.subject, err = StartSubject(ctx, peer.JobRunner, q.servers); err != nil {
		return err
	}
	return q.subject.Producer.AddBulk(peer.Batch{Jobs: q.total, Bytes: payloadBytes}, bulkSize)
}

// drain works off about that many jobs and checks that all that were taken are done.
func (q *largeQueue) drain(ctx context.Context, jobs int) (Sample, error) {
	s := q.subject
	sample, err := measure(ctx, q.servers.Redis, s.Worker, jobs, func() error {
		if err := s.Worker.Work(q.total, 0, peer.WorkOptions{Concurrency: concurrency}); err != nil {
			return err
		}
		if err := s.Worker.Await(jobs); err != nil {
			return err
		}
		return awaitFinished(ctx, s.Peer, q.servers, q.handled+jobs)
	})
	if err != nil {
		return nil, err
	}
	got, err := s.Worker.Stop()
	if err != nil {
		return nil, err
	}
	q.handled += got.Handled
	finished, err := s.Peer.Finished(ctx, q.servers)
	if err == nil && (finished != q.handled || got.Repeated > 0) {
		err = fmt.Errorf("%s: %d jobs are stored as done, %d were handled, %d of them more than once", s.Peer.Name, finished, q.handled, got.Repeated)
	}
	return sample, err
}

func (q *largeQueue) close() {
	if q == nil {
		return
	}
	if q.subject != nil {
		_ = q.subject.Close()
	}
	q.servers.Redis.Stop()
}

package board

import (
	"context"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
)

// queueState is what the overview shows of a queue, without its jobs.
type queueState struct {
	ref        bullmq.QueueRef
	counts     bullmq.JobCounts
	meta       bullmq.QueueMeta
	limitedFor time.Duration
	schedulers int64
	workers    int
}

// overviewCache keeps the last overview, so that many open pages cost Redis no
// more than one.
type overviewCache struct {
	mu    sync.Mutex
	taken time.Time    // guarded by mu
	state []queueState // guarded by mu
}

func (o *overviewCache) get(maxAge time.Duration) ([]queueState, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, !o.taken.IsZero() && time.Since(o.taken) < maxAge
}

func (o *overviewCache) put(state []queueState) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken, o.state = time.Now(), state
}

// forget makes the next overview a new one, after a change.
func (o *overviewCache) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken = time.Time{}
}

// overviewOf returns the state of all queues, by name. Requests that come
// together share one look at Redis.
func (b *Board) overviewOf(ctx context.Context) ([]queueState, error) {
	if state, ok := b.overview.get(b.opts.Cache); ok {
		return state, nil
	}
	ch := b.flight.DoChan("overview", func() (any, error) {
		// Whoever came first may leave before the others are served.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout/2)
		defer cancel()
		state, err := b.lookAround(ctx)
		if err == nil {
			b.overview.put(state)
		}
		return state, err
	})
	select {
	case r := <-ch:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.([]queueState), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lookAround reads the state of all queues in four round trips.
func (b *Board) lookAround(ctx context.Context) ([]queueState, error) {
	names, err := b.opts.Directory.Names(ctx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	refs := make([]bullmq.QueueRef, len(names))
	for i, name := range names {
		refs[i] = bullmq.QueueRef{Prefix: b.opts.Prefix, Name: name}
	}
	counts, err := b.opts.Redis.Counts(ctx, refs)
	if err != nil {
		return nil, err
	}
	metas, err := b.opts.Redis.Meta(ctx, refs)
	if err != nil {
		return nil, err
	}
	workers, err := b.opts.Redis.Workers(ctx, b.opts.Prefix)
	if err != nil {
		return nil, err
	}
	serving := map[string]int{}
	for _, w := range workers {
		serving[w.Queue]++
	}
	state := make([]queueState, len(refs))
	for i, ref := range refs {
		state[i] = queueState{ref: ref, counts: counts[i], meta: metas[i], workers: serving[ref.Name]}
	}
	return state, b.readLimits(ctx, state)
}

// readLimits adds what the engine does not read for many queues at once: how
// long each is rate limited, and how many schedulers it has.
func (b *Board) readLimits(ctx context.Context, state []queueState) error {
	client := b.opts.Redis.Client()
	commands := make(rueidis.Commands, 0, 2*len(state))
	for _, s := range state {
		key := s.ref.String() + ":"
		commands = append(commands, client.B().Pttl().Key(key+"limiter").Build(), client.B().Zcard().Key(key+"repeat").Build())
	}
	replies := client.DoMulti(ctx, commands...)
	for i := range state {
		ttl, err := replies[2*i].AsInt64()
		if err != nil {
			return err
		}
		if state[i].schedulers, err = replies[2*i+1].AsInt64(); err != nil {
			return err
		}
		state[i].limitedFor = time.Duration(max(ttl, 0)) * time.Millisecond
	}
	return nil
}

// view returns the queue as one person may see it.
func (s *queueState) view(p *auth.Principal, query *queuesQuery) queueView {
	writes := p.Has(auth.JobsWrite)
	v := queueView{
		Name: s.ref.Name, Statuses: tabs, Counts: s.counts, Jobs: []*jobView{}, Pagination: s.pages(query),
		ReadOnlyMode: !writes && !p.Has(auth.QueuesAdmin), AllowRetries: writes, AllowCompletedRetries: writes,
		IsPaused: s.meta.Paused, Type: "bullmq", ActiveRateLimitTTL: s.limitedFor.Milliseconds(),
		JobSchedulerCount: s.schedulers, HasWorkers: s.workers > 0,
	}
	if s.meta.Concurrency > 0 {
		v.GlobalConcurrency = &s.meta.Concurrency
	}
	return v
}

func (s *queueState) pages(query *queuesQuery) pagination {
	p := pagination{PageCount: 1, Range: pageRange{End: query.pageSize - 1}}
	if query.isActive(s.ref.Name) && query.status != latest {
		p.PageCount = (s.counts[bullmq.JobState(query.status)] + query.pageSize - 1) / query.pageSize
		p.Range.Start = (query.page - 1) * query.pageSize
		p.Range.End = p.Range.Start + query.pageSize - 1
	}
	return p
}

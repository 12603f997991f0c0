package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

func (s *service) listQueues(ctx context.Context, in *PageQuery) (*pageOutput[Queue], error) {
	names, err := s.visibleQueues(ctx)
	if err != nil {
		return nil, err
	}
	page, err := slicePage(*in, "queues", names)
	if err != nil {
		return nil, err
	}
	queues, err := s.describe(ctx, page.Body.Items)
	if err != nil {
		return nil, err
	}
	return &pageOutput[Queue]{Page[Queue]{Items: queues, NextCursor: page.Body.NextCursor, Total: page.Body.Total}}, nil
}

func (s *service) createQueue(ctx context.Context, in *createQueueInput) (*createQueueOutput, error) {
	name := in.Body.Name
	if !auth.FromContext(ctx).SeesQueue(name) {
		return nil, queueForbidden("body.name", name)
	}
	known, err := s.opts.Directory.Known(ctx, name)
	if err != nil {
		return nil, err
	}
	q, err := s.queue(name)
	if err != nil {
		return nil, err
	}
	if err := q.Init(ctx); err != nil {
		return nil, err
	}
	s.noteQueue(name)
	queues, err := s.describe(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	out := &createQueueOutput{Status: http.StatusCreated, Location: queuePath(name), Body: queues[0]}
	if known {
		out.Status = http.StatusOK
	}
	return out, nil
}

func (s *service) getQueue(ctx context.Context, in *QueuePath) (*queueOutput, error) {
	if err := s.mustKnow(ctx, in.Queue); err != nil {
		return nil, err
	}
	queues, err := s.describe(ctx, []string{in.Queue})
	if err != nil {
		return nil, err
	}
	return &queueOutput{queues[0]}, nil
}

func (s *service) pauseQueue(ctx context.Context, in *QueuePath) (*queueOutput, error) {
	return s.changeQueue(ctx, in, (*bullmq.Queue).Pause)
}

func (s *service) resumeQueue(ctx context.Context, in *QueuePath) (*queueOutput, error) {
	return s.changeQueue(ctx, in, (*bullmq.Queue).Resume)
}

func (s *service) changeQueue(ctx context.Context, in *QueuePath, change func(*bullmq.Queue, context.Context) error) (*queueOutput, error) {
	if err := s.mustKnow(ctx, in.Queue); err != nil {
		return nil, err
	}
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	if err := change(q, ctx); err != nil {
		return nil, err
	}
	return s.getQueue(ctx, in)
}

// describe returns the queues of these names in three round trips to Redis,
// however many they are.
func (s *service) describe(ctx context.Context, names []string) ([]Queue, error) {
	refs := make([]bullmq.QueueRef, len(names))
	for i, name := range names {
		refs[i] = s.opts.Directory.Ref(name)
	}
	force, err := s.opts.Directory.Workforce(ctx)
	if err != nil {
		return nil, err
	}
	queues := make([]Queue, len(names))
	if len(names) == 0 {
		return queues, nil
	}
	metas, err := s.opts.Redis.Meta(ctx, refs)
	if err != nil {
		return nil, err
	}
	counts, err := s.opts.Redis.Counts(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		queues[i] = newQueue(name, &metas[i], counts[i], force)
	}
	return queues, nil
}

func newQueue(name string, meta *bullmq.QueueMeta, counts bullmq.JobCounts, force *directory.Workforce) Queue {
	q := Queue{
		Name: name, Paused: meta.Paused, Counts: newCounts(counts), Concurrency: meta.Concurrency,
		Workers: force.WorkersOf(name),
	}
	if meta.RateLimitMax > 0 {
		q.RateLimit = &RateLimit{Max: meta.RateLimitMax, Duration: meta.RateLimitDuration.Milliseconds()}
	}
	return q
}

func newCounts(c bullmq.JobCounts) JobCounts {
	return JobCounts{
		Waiting: c[bullmq.StateWaiting], Active: c[bullmq.StateActive], Delayed: c[bullmq.StateDelayed],
		Prioritized: c[bullmq.StatePrioritized], WaitingChildren: c[bullmq.StateWaitingChildren],
		Completed: c[bullmq.StateCompleted], Failed: c[bullmq.StateFailed],
	}
}

// visibleQueues returns the names of the queues that the caller may see, sorted.
func (s *service) visibleQueues(ctx context.Context) ([]string, error) {
	all, err := s.opts.Directory.Names(ctx)
	if err != nil {
		return nil, err
	}
	p := auth.FromContext(ctx)
	names := make([]string, 0, len(all))
	for _, name := range all {
		if p.SeesQueue(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// mustKnow refuses a queue that there is not.
func (s *service) mustKnow(ctx context.Context, name string) error {
	known, err := s.opts.Directory.Known(ctx, name)
	if err == nil && !known {
		err = &directory.UnknownQueueError{Queue: name}
	}
	return err
}

// queue returns the queue of a name that came in the path or the body.
func (s *service) queue(name string) (*bullmq.Queue, error) {
	q, err := bullmq.NewQueue(s.opts.Redis, name, &bullmq.QueueOptions{Prefix: s.opts.Prefix, Now: s.opts.Now})
	if err != nil {
		return nil, problem.Field(http.StatusUnprocessableEntity, "validation_failed", "path.queue", err.Error())
	}
	return q, nil
}

// noteQueue tells those who follow queues that this one is there. It comes
// before the change that may make the queue, so that they miss nothing of it.
func (s *service) noteQueue(name string) {
	s.opts.Directory.Add(name)
	if s.opts.OnQueue != nil {
		s.opts.OnQueue(name)
	}
}

func queueForbidden(location, name string) error {
	return problem.Field(http.StatusForbidden, "queue_forbidden", location, "The credential may not use the queue "+name+".")
}

func queuePath(name string) string { return basePath + "/queues/" + url.PathEscape(name) }

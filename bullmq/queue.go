package bullmq

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// DefaultMaxEvents is how many entries a queue's event stream keeps, about.
const DefaultMaxEvents = 10000

// QueueOptions are the choices of a [Queue]; nil or the zero value is fine.
type QueueOptions struct {
	// Prefix is the key prefix. Defaults to [DefaultPrefix].
	Prefix string
	// DefaultJobOptions fill the options that a job is added without.
	DefaultJobOptions *JobOptions
	// MaxEvents is about how many events the queue's stream keeps, when this
	// queue is the first to say so. Defaults to [DefaultMaxEvents].
	MaxEvents int
	// Propagator adds the trace context to jobs. Nil leaves them alone.
	Propagator Propagator
	// RepeatStrategy plans the first run of job schedulers that have a pattern; the
	// workers need the same. Nil reads the pattern as cron.
	RepeatStrategy RepeatStrategy
	// Now tells the time. Defaults to [time.Now].
	Now func() time.Time
}

// Queue adds jobs to a queue and inspects it. It is safe for concurrent use and
// holds no connection of its own.
type Queue struct {
	ref     QueueRef
	backend Backend
	opts    QueueOptions
}

// NewQueue returns the queue of that name. Nothing is written before the first
// job or change.
func NewQueue(backend Backend, name string, opts *QueueOptions) (*Queue, error) {
	if err := validateQueueName(name); err != nil {
		return nil, err
	}
	q := &Queue{backend: backend}
	if opts != nil {
		q.opts = *opts
	}
	q.opts.Prefix = cmp.Or(q.opts.Prefix, DefaultPrefix)
	q.opts.MaxEvents = cmp.Or(q.opts.MaxEvents, DefaultMaxEvents)
	if q.opts.Now == nil {
		q.opts.Now = time.Now
	}
	q.ref = QueueRef{Prefix: q.opts.Prefix, Name: name}
	if err := backend.CheckQueue(q.ref); err != nil {
		return nil, err
	}
	return q, nil
}

// Name returns the queue's name without its prefix.
func (q *Queue) Name() string { return q.ref.Name }

// Ref returns what identifies the queue in its store.
func (q *Queue) Ref() QueueRef { return q.ref }

// Init writes the queue's metadata, so that it is listed before its first job.
func (q *Queue) Init(ctx context.Context) error {
	return q.backend.InitQueue(ctx, q.ref, q.opts.MaxEvents)
}

// BulkJob is one job of [Queue.AddBulk].
type BulkJob struct {
	Name string
	// Data is anything that JSON can hold; a [json.RawMessage] is taken as it is.
	Data any
	Opts *JobOptions
}

// Add adds a job. Data is anything that JSON can hold; a [json.RawMessage] is
// taken as it is. Nil opts stand for the queue's defaults.
//
// If a job with the same custom id exists, nothing is added and that job's id
// is in the returned job. A [ValidationError] says that an option was refused.
func (q *Queue) Add(ctx context.Context, name string, data any, opts *JobOptions) (*Job, error) {
	jobs, err := q.AddBulk(ctx, []BulkJob{{name, data, opts}})
	if bulk, ok := err.(*BulkError); ok { //nolint:errorlint // AddBulk returns it unwrapped
		return nil, bulk.Errors[0]
	}
	if err != nil {
		return nil, err
	}
	return jobs[0], nil
}

// AddBulk adds many jobs in few calls. The jobs are independent: each is added
// or not. If some were not, the error is a [*BulkError] and their places in the
// result are nil. Jobs refused by validation keep the whole bulk from being added.
func (q *Queue) AddBulk(ctx context.Context, bulk []BulkJob) ([]*Job, error) {
	jobs := make([]*Job, len(bulk))
	adds := make([]NewJob, len(bulk))
	refused := map[int]error{}
	now := q.opts.Now()
	for i, b := range bulk {
		opts := b.Opts.withDefaults(q.opts.DefaultJobOptions)
		opts.traced(ctx, q.opts.Propagator)
		add, err := newJob(b.Name, b.Data, &opts, now)
		if err != nil {
			refused[i] = err
			continue
		}
		adds[i] = add
		jobs[i] = add.job(q.backend, q.ref, opts)
	}
	if len(refused) > 0 {
		return nil, &BulkError{Errors: refused}
	}
	results, err := q.backend.AddJobs(ctx, q.ref, adds)
	failed := map[int]error{}
	for i := range jobs {
		switch {
		case i < len(results) && results[i].ID != "":
			jobs[i].ID = results[i].ID
		case i < len(results) && results[i].Err != nil:
			failed[i], jobs[i] = results[i].Err, nil
		default:
			failed[i], jobs[i] = cmp.Or(err, errUnknownOutcome), nil
		}
	}
	if err != nil && len(failed) == len(jobs) {
		return nil, fmt.Errorf("add to queue %s: %w", q.ref.Name, err)
	}
	if len(failed) > 0 {
		return jobs, &BulkError{Errors: failed}
	}
	return jobs, nil
}

// newJob checks a job's parts and encodes them as they are stored.
func newJob(name string, data any, opts *JobOptions, now time.Time) (NewJob, error) {
	text, err := encodeData(data)
	if err != nil {
		return NewJob{}, invalid("data", "data of job %s is not JSON: %v", name, err)
	}
	if err := opts.validate(name, text); err != nil {
		return NewJob{}, err
	}
	add := NewJob{
		ID: opts.ID, Name: name, Data: text, Timestamp: now,
		Delay: opts.Delay, Priority: opts.Priority, LIFO: opts.LIFO, Deduplication: opts.Deduplication,
	}
	if !opts.Timestamp.IsZero() {
		add.Timestamp = opts.Timestamp
	}
	if opts.Parent != nil {
		parent, ok := ParseQueueRef(opts.Parent.Queue)
		if !ok || opts.Parent.ID == "" {
			return NewJob{}, invalid("parent", `parent needs an id and a queue of the form "prefix:name"`)
		}
		add.Parent = &ParentLink{Queue: parent, ID: opts.Parent.ID, Policy: opts.parentPolicy()}
	}
	add.Opts, err = opts.encode(jobForm)
	if err != nil {
		return NewJob{}, invalid("opts", "options of job %s: %v", name, err)
	}
	return add, nil
}

func (o *JobOptions) parentPolicy() string {
	switch {
	case o.FailParentOnFailure:
		return "fpof"
	case o.ContinueParentOnFailure:
		return "cpof"
	case o.IgnoreDependencyOnFailure:
		return "idof"
	case o.RemoveDependencyOnFailure:
		return "rdof"
	default:
		return ""
	}
}

// job is how the new job will read once it has been added.
func (n *NewJob) job(b Backend, q QueueRef, opts JobOptions) *Job {
	j := &Job{
		ID: n.ID, Queue: q, Name: n.Name, Data: json.RawMessage(n.Data), Opts: opts,
		Timestamp: n.Timestamp, Delay: n.Delay, Priority: n.Priority, backend: b,
	}
	if n.Deduplication != nil {
		j.DeduplicationID = n.Deduplication.ID
	}
	if n.Parent != nil {
		j.ParentKey = n.Parent.Queue.JobKey(n.Parent.ID)
		j.Parent = opts.Parent
	}
	return j
}

// Pause stops every worker from taking jobs of this queue. Running jobs go on.
func (q *Queue) Pause(ctx context.Context) error { return q.backend.Pause(ctx, q.ref) }

// Resume lets workers take jobs again.
func (q *Queue) Resume(ctx context.Context) error { return q.backend.Resume(ctx, q.ref) }

// Meta reads what the queue stores about itself.
func (q *Queue) Meta(ctx context.Context) (QueueMeta, error) {
	metas, err := q.backend.Meta(ctx, []QueueRef{q.ref})
	if err != nil {
		return QueueMeta{}, err
	}
	return metas[0], nil
}

// IsPaused reports whether the queue is paused.
func (q *Queue) IsPaused(ctx context.Context) (bool, error) {
	meta, err := q.Meta(ctx)
	return meta.Paused, err
}

// Job returns the job of this id, or [ErrJobNotFound].
func (q *Queue) Job(ctx context.Context, id string) (*Job, error) {
	return q.backend.Job(ctx, q.ref, id)
}

package bullmq_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// mayReport is how often a worker may report about one damaged job. One that
// tries the same again and again reports far more.
const mayReport = 5

// good is how many sound jobs stand before a damaged one, and after it.
const good = 20

// fate is what becomes of a damaged job.
type fate struct {
	state bullmq.JobState
	// reason is part of the job's failedReason if it failed, of an error that is
	// reported otherwise. "" stands for any.
	reason string
}

var (
	runs = fate{state: bullmq.StateCompleted}
	// ends is for what every fetch writes anew, so that it matters to no one.
	ends     = fate{}
	vanishes = fate{state: bullmq.StateUnknown, reason: "bad"}
)

func fails(reason string) fate { return fate{bullmq.StateFailed, reason} }

// do sends a command. "{q}" in its words stands for the prefix of the queue's keys.
func (b *bench) do(t *testing.T, words ...string) {
	t.Helper()
	c := b.backend.Client()
	for i, word := range words {
		words[i] = strings.ReplaceAll(word, "{q}", b.queue.Ref().JobKey(""))
	}
	require.NoError(t, c.Do(b.ctx, c.B().Arbitrary(words...).Build()).Error(), "%.200q", words)
}

// store writes a job's hash and lets its id wait.
func (b *bench) store(t *testing.T, id string, fields ...string) {
	t.Helper()
	b.do(t, append([]string{"HSET", "{q}" + id}, fields...)...)
	b.do(t, "LPUSH", "{q}wait", id)
}

// sound are the fields of a job that is whole.
func sound(more ...string) []string {
	return append([]string{"name", "bad", "data", "{}", "opts", "{}", "timestamp", "1700000000000", "delay", "0", "priority", "0"}, more...)
}

func (b *bench) addGood(t *testing.T) {
	t.Helper()
	bulk := make([]bullmq.BulkJob, good)
	for i := range bulk {
		bulk[i].Name = "good"
	}
	_, err := b.queue.AddBulk(b.ctx, bulk)
	require.NoError(t, err)
}

// complaints are what a worker reports to its Error hook.
type complaints struct {
	mu   sync.Mutex
	errs []error // guarded by mu
}

func (c *complaints) add(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errs = append(c.errs, err)
}

func (c *complaints) all() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]error(nil), c.errs...)
}

// finished counts the good jobs that have completed.
type finished struct {
	mu  sync.Mutex
	ids map[string]bool // guarded by mu
}

func (f *finished) add(job *bullmq.Job) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if job.Name == "good" {
		f.ids[job.ID] = true
	}
}

func (f *finished) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.ids)
}

// workAmidGarbage runs a worker that is told of everything.
func (b *bench) workAmidGarbage(t *testing.T, opts bullmq.WorkerOptions) (*complaints, *finished) {
	t.Helper()
	told, done := &complaints{}, &finished{ids: map[string]bool{}}
	opts.Concurrency, opts.DrainDelay = 5, 50*time.Millisecond
	opts.Hooks = bullmq.WorkerHooks{Error: told.add, Completed: done.add}
	b.work(t, "q", opts, func(context.Context, *bullmq.Job) (any, error) { return "done", nil })
	return told, done
}

// requireFate checks that the good jobs were run, and what became of a bad one.
func (b *bench) requireFate(t *testing.T, told *complaints, done *finished, want fate) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("reported: %v; counts: %v", told.all(), b.counts(t))
		}
	})
	eventually(t, "the good jobs have completed", func() bool { return done.count() == 2*good })
	states := []bullmq.JobState{want.state}
	if want == ends {
		states = []bullmq.JobState{bullmq.StateCompleted, bullmq.StateFailed}
	}
	job := &bullmq.Job{}
	if want.state != bullmq.StateUnknown {
		eventually(t, fmt.Sprintf("the bad job is %s", states), func() bool {
			for _, state := range states {
				found, err := b.queue.Jobs(b.ctx, bullmq.JobsQuery{State: state, End: -1})
				require.NoError(t, err)
				for _, j := range found {
					if j.ID == "bad" {
						job = j
					}
				}
			}
			return job.ID != ""
		})
	}
	errs := told.all()
	require.LessOrEqual(t, len(errs), mayReport, "%v", errs)
	switch want.state {
	case bullmq.StateFailed:
		require.Contains(t, job.FailedReason, want.reason)
	case bullmq.StateUnknown:
		eventually(t, "the loss is reported", func() bool { return strings.Contains(fmt.Sprint(told.all()), want.reason) })
		require.Zero(t, b.counts(t)[bullmq.StateActive])
	}
}

// jobDamage makes a job of the id "bad" that is not what it should be.
type jobDamage struct {
	damage func(t *testing.T, b *bench)
	want   fate
}

var damagedJobs = map[string]jobDamage{
	"a delayed job, no priority": {delayed("4096", sound("priority", "nan")...), ends},
	"no hash":                    {func(t *testing.T, b *bench) { b.do(t, "LPUSH", "{q}wait", "bad") }, vanishes},
	"no hash, prioritized":       {func(t *testing.T, b *bench) { b.do(t, "ZADD", "{q}prioritized", "4294967297", "bad") }, vanishes},
	"no hash, delayed":           {func(t *testing.T, b *bench) { b.do(t, "ZADD", "{q}delayed", "4096", "bad") }, vanishes},
	"a stray field":              {stored("stc", "1"), fails("damaged")},
	"no name":                    {stored("data", "{}", "opts", "{}", "timestamp", "1700000000000"), runs},
	"no data":                    {stored("name", "bad", "opts", "{}", "timestamp", "1700000000000"), runs},
	"no options":                 {stored("name", "bad", "data", "{}", "timestamp", "1700000000000"), runs},
	"no time":                    {stored("name", "bad", "data", "{}", "opts", "{}"), runs},
	"data cut off":               {stored(sound("data", `{"a":`)...), fails("data")},
	"data of bytes":              {stored(sound("data", "\xff\xfe\x00")...), fails("data")},
	"options cut off":            {stored(sound("opts", `{"attempts":`)...), fails("opts")},
	"options as list":            {stored(sound("opts", `[]`)...), fails("opts")},
	"options as text":            {stored(sound("opts", `"x"`)...), fails("opts")},
	"attempts as text":           {stored(sound("opts", `{"attempts":"many"}`)...), fails("attempts")},
	"backoff as list":            {stored(sound("opts", `{"backoff":[]}`)...), fails("backoff")},
	"keep as text":               {stored(sound("opts", `{"removeOnComplete":{"count":"x"}}`)...), fails("removeOnComplete")},
	"keep out of range":          {stored(sound("opts", `{"removeOnComplete":1e300}`)...), ends},
	"parent cut off":             {stored(sound("parent", `{"id":`)...), fails("parent")},
	"stack traces cut off":       {stored(sound("stacktrace", `["a`)...), fails("stacktrace")},
	"stack traces as object":     {stored(sound("stacktrace", `{}`)...), fails("stacktrace")},
	"result cut off":             {stored(sound("returnvalue", `{`)...), fails("returnvalue")},
	"progress cut off":           {stored(sound("progress", `{`)...), fails("progress")},
	"time as text":               {stored(sound("timestamp", "yesterday")...), fails("timestamp")},
	"time is no number":          {stored(sound("timestamp", "NaN")...), fails("timestamp")},
	"time out of range":          {stored(sound("timestamp", "1e400")...), fails("timestamp")},
	"time before 1970":           {stored(sound("timestamp", "-1")...), runs},
	"delay as text":              {stored(sound("delay", "soon")...), fails("delay")},
	"priority as text":           {stored(sound("priority", "high")...), fails("priority")},
	"priority is no number":      {stored(sound("priority", "nan")...), fails("priority")},
	"attempts made as text":      {stored(sound("atm", "x")...), fails("atm")},
	"attempts made, endless":     {stored(sound("atm", "inf")...), fails("atm")},
	"starts as text":             {stored(sound("ats", "x")...), ends},
	"starts out of range":        {stored(sound("ats", "1e300")...), ends},
	"starts is no number":        {stored(sound("ats", "nan")...), ends},
	"stalls as text":             {stored(sound("stc", "x")...), fails("stc")},
	"start time as text":         {stored(sound("processedOn", "x")...), ends},
	"end time as text":           {stored(sound("finishedOn", "x")...), fails("finishedOn")},
	"a deferred failure":         {stored(sound("defa", "child failed")...), fails("child failed")},

	"a job that is text":         {waiting("SET", "{q}bad", "x"), vanishes},
	"a job that is a list":       {waiting("RPUSH", "{q}bad", "x"), vanishes},
	"a job that is a set":        {waiting("SADD", "{q}bad", "x"), vanishes},
	"a job that is a sorted set": {waiting("ZADD", "{q}bad", "1", "x"), vanishes},
	"a job that is a stream":     {waiting("XADD", "{q}bad", "*", "a", "b"), vanishes},
	"a delayed job that is a list": {func(t *testing.T, b *bench) {
		b.do(t, "RPUSH", "{q}bad", "x")
		b.do(t, "ZADD", "{q}delayed", "4096", "bad")
	}, vanishes},
	"a delayed job, endless priority":   {delayed("4096", sound("priority", "inf")...), fails("priority")},
	"a delayed job, a priority of text": {delayed("4096", sound("priority", "x")...), fails("priority")},
	"delayed since ever":                {delayed("-inf", sound()...), runs},
	"delayed since before 1970":         {delayed("-4096", sound()...), runs},

	"a lock that is a hash":         {with("HSET", "{q}bad:lock", "a", "b"), runs},
	"a lock that is a list":         {with("RPUSH", "{q}bad:lock", "a"), runs},
	"children that are text":        {with("SET", "{q}bad:dependencies", "x"), fails("dependencies")},
	"results that are a list":       {with("RPUSH", "{q}bad:processed", "x"), runs},
	"failed children that are text": {with("SET", "{q}bad:unsuccessful", "x"), ends},
	"logs that are text":            {with("SET", "{q}bad:logs", "x"), runs},

	"no such parent":                   {stored(sound("parentKey", "{q}none", "parent", `{"id":"none","queueKey":"x"}`)...), runs},
	"a parent's key that is odd":       {stored(sound("parentKey", ":::", "parent", `{"id":5,"queueKey":[]}`)...), fails("parent")},
	"an empty parent's key":            {stored(sound("parentKey", "", "parent", `{}`)...), runs},
	"a parent that is text":            {under("SET", "{q}top", "x"), runs},
	"a parent whose children are text": {under("SET", "{q}top:dependencies", "x"), fails("damaged")},
	"a parent whose results are a list": {func(t *testing.T, b *bench) {
		b.do(t, "SADD", "{q}top:dependencies", "{q}bad")
		under("RPUSH", "{q}top:processed", "x")(t, b)
	}, fails("damaged")},

	"an owned id that is a hash":  {underID("HSET", "{q}de:twin", "a", "b"), fails("damaged")},
	"an owned id that is a list":  {underID("RPUSH", "{q}de:twin", "a"), fails("damaged")},
	"a job put off that is text":  {underID("SET", "{q}dn:twin", "x"), fails("damaged")},
	"a job put off, without data": {underID("HSET", "{q}dn:twin", "name", "late"), fails("damaged")},
	"a job put off, odd options":  {underID("HSET", "{q}dn:twin", "name", "good", "data", "{}", "opts", "[", "jid", "late"), runs},
}

func stored(fields ...string) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) { b.store(t, "bad", fields...) }
}

// waiting writes something that is no job under the id of one that waits.
func waiting(command ...string) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) {
		b.do(t, append([]string(nil), command...)...)
		b.do(t, "LPUSH", "{q}wait", "bad")
	}
}

func delayed(score string, fields ...string) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) {
		b.do(t, append([]string{"HSET", "{q}bad"}, fields...)...)
		b.do(t, "ZADD", "{q}delayed", score, "bad")
	}
}

// with stores a sound job that has something damaged beside it.
func with(command ...string) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) {
		b.do(t, append([]string(nil), command...)...)
		b.store(t, "bad", sound()...)
	}
}

// under is with, for a child of the job "top".
func under(command ...string) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) {
		b.do(t, append([]string(nil), command...)...)
		key := b.queue.Ref().JobKey("top")
		b.store(t, "bad", sound("parentKey", key, "parent", fmt.Sprintf(`{"id":"top","queueKey":%q}`, b.queue.Ref()))...)
	}
}

// underID is with, for a job that owns the deduplication id "twin".
func underID(command ...string) func(t *testing.T, b *bench) {
	return func(t *testing.T, b *bench) {
		b.do(t, append([]string(nil), command...)...)
		b.store(t, "bad", sound("deid", "twin")...)
	}
}

func TestADamagedJobHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for name, c := range damagedJobs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addGood(t)
			c.damage(t, b)
			b.addGood(t)
			told, done := b.workAmidGarbage(t, bullmq.WorkerOptions{})
			b.requireFate(t, told, done, c.want)
		})
	}
}

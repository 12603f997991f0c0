package bullmq_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// schedulerDamage damages the record of the scheduler "bad", whose first job
// waits. goesOn says that its next job can be planned all the same.
type schedulerDamage struct {
	commands [][]string
	goesOn   bool
}

var damagedSchedulers = map[string]schedulerDamage{
	"a record that is text":   {[][]string{{"DEL", "{q}repeat:bad"}, {"SET", "{q}repeat:bad", "x"}}, false},
	"a record that is a list": {[][]string{{"DEL", "{q}repeat:bad"}, {"RPUSH", "{q}repeat:bad", "x"}}, false},
	"an endless interval":     {[][]string{{"HSET", "{q}repeat:bad", "every", "inf"}}, false},
	"an interval below zero":  {[][]string{{"HSET", "{q}repeat:bad", "every", "-1000"}}, false},
	"no record":               {[][]string{{"DEL", "{q}repeat:bad"}}, false},
	"no place among them":     {[][]string{{"ZREM", "{q}repeat", "bad"}}, false},
	"a next run for ever":     {[][]string{{"ZADD", "{q}repeat", "inf", "bad"}}, false},
	"a next run before time":  {[][]string{{"ZADD", "{q}repeat", "-inf", "bad"}}, false},
	"no name":                 {[][]string{{"HDEL", "{q}repeat:bad", "name"}}, false},
	"no count":                {[][]string{{"HDEL", "{q}repeat:bad", "ic"}}, false},
	"no interval":             {[][]string{{"HDEL", "{q}repeat:bad", "every"}}, false},
	"an interval of text":     {[][]string{{"HSET", "{q}repeat:bad", "every", "x"}}, false},
	"an interval of zero":     {[][]string{{"HSET", "{q}repeat:bad", "every", "0"}}, false},
	"an interval, no number":  {[][]string{{"HSET", "{q}repeat:bad", "every", "nan"}}, false},
	"an offset of text":       {[][]string{{"HSET", "{q}repeat:bad", "offset", "x"}}, true},
	"an offset, no number":    {[][]string{{"HSET", "{q}repeat:bad", "offset", "nan"}}, true},
	"a count of text":         {[][]string{{"HSET", "{q}repeat:bad", "ic", "x"}}, false},
	"a limit of text":         {[][]string{{"HSET", "{q}repeat:bad", "limit", "x"}}, true},
	"a zone of nowhere":       {[][]string{{"HSET", "{q}repeat:bad", "tz", "Nowhere/Else"}}, true},
	"a start of text":         {[][]string{{"HSET", "{q}repeat:bad", "startDate", "x"}}, true},
	"an end of text":          {[][]string{{"HSET", "{q}repeat:bad", "endDate", "x"}}, true},
	"options cut off":         {[][]string{{"HSET", "{q}repeat:bad", "opts", `{"attempts":`}}, true},
	"data cut off":            {[][]string{{"HSET", "{q}repeat:bad", "data", `{"a":`}}, true},
}

func TestADamagedSchedulerHoldsUpNoJob(t *testing.T) {
	t.Parallel()
	for name, c := range damagedSchedulers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.addGood(t)
			upsert := func(id string) *bullmq.Job {
				job, err := b.queue.UpsertJobScheduler(b.ctx, id, bullmq.RepeatOptions{Every: time.Hour}, bullmq.JobTemplate{Name: "tick"})
				require.NoError(t, err)
				return job
			}
			bad, sound := upsert("bad"), upsert("sound")
			for _, command := range c.commands {
				b.do(t, append([]string(nil), command...)...)
			}
			b.addGood(t)
			told, done := b.workAmidGarbage(t, bullmq.WorkerOptions{})
			eventually(t, "the good jobs have completed", func() bool { return done.count() == 2*good })
			b.waitState(t, bad, bullmq.StateCompleted)
			b.waitState(t, sound, bullmq.StateCompleted)
			require.LessOrEqual(t, len(told.all()), mayReport, "%v", told.all())

			planned := int64(1)
			if c.goesOn {
				planned = 2
			}
			require.Equal(t, planned, b.counts(t)[bullmq.StateDelayed], "%v", told.all())
			schedulers, err := b.queue.JobSchedulers(b.ctx, 0, -1)
			require.NoError(t, err)
			require.Contains(t, idsOf(schedulers), "sound")
		})
	}
}

func (b *bench) waitState(t *testing.T, job *bullmq.Job, want bullmq.JobState) {
	t.Helper()
	eventually(t, "job "+job.ID+" is "+string(want), func() bool {
		state, err := job.State(b.ctx)
		require.NoError(t, err)
		return state == want
	})
}

func idsOf(schedulers []*bullmq.JobScheduler) []string {
	ids := make([]string, len(schedulers))
	for i, s := range schedulers {
		ids[i] = s.ID
	}
	return ids
}

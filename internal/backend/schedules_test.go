package backend_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
)

func TestAScheduleIsMadeReplacedListedAndDeleted(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "a")
		e.queue(t, "b")
		nightly := map[string]any{
			"id": "nightly", "cron": "0 3 * * *", "tz": "Europe/Berlin", "limit": 9,
			"template": map[string]any{"name": "report", "data": map[string]int{"n": 1}, "opts": map[string]any{"attempts": 3}},
		}
		var s api.Schedule
		a := e.call(t, "POST", "/queues/a/schedules", nightly)
		a.ok(t, 201, &s)
		require.Equal(t, "/api/v1/queues/a/schedules/nightly", a.header.Get("Location"))
		require.Equal(t, "0 3 * * *", s.Cron)
		require.Equal(t, "Europe/Berlin", s.TZ)
		require.Equal(t, 9, s.Limit)
		require.Equal(t, "report", s.Template.Name)
		require.JSONEq(t, `{"n":1}`, string(s.Template.Data))
		require.Equal(t, 3, s.Template.Opts.Attempts)
		require.NotNil(t, s.NextRun)
		e.call(t, "POST", "/queues/a/schedules", nightly).refused(t, 409, "schedule_exists")

		hourly := map[string]any{"every": 3_600_000, "template": map[string]any{"name": "tick"}}
		e.call(t, "PUT", "/queues/b/schedules/hourly", hourly).ok(t, 200, nil)
		hourly["every"] = 7_200_000
		e.call(t, "PUT", "/queues/b/schedules/hourly", hourly).ok(t, 200, &s)
		require.EqualValues(t, 7_200_000, s.Every)

		var all, ofA api.Page[api.Schedule]
		e.call(t, "GET", "/schedules", nil).ok(t, 200, &all)
		require.Len(t, all.Items, 2)
		require.LessOrEqual(t, *all.Items[0].NextRun, *all.Items[1].NextRun)
		e.call(t, "GET", "/queues/a/schedules", nil).ok(t, 200, &ofA)
		require.Len(t, ofA.Items, 1)

		var planned api.Page[api.Job]
		e.call(t, "GET", "/queues/a/jobs?state=delayed", nil).ok(t, 200, &planned)
		require.Len(t, planned.Items, 1)
		require.Equal(t, "nightly", planned.Items[0].RepeatJobKey)
		id := escape(planned.Items[0].ID)
		e.call(t, "GET", "/queues/a/jobs/"+id, nil).ok(t, 200, nil)
		e.call(t, "DELETE", "/queues/a/jobs/"+id, nil).refused(t, 409, "job_belongs_to_schedule")

		e.call(t, "DELETE", "/queues/a/schedules/nightly", nil).ok(t, 204, nil)
		e.call(t, "DELETE", "/queues/a/schedules/nightly", nil).refused(t, 404, "schedule_not_found")
		e.call(t, "GET", "/queues/a/schedules/nightly", nil).refused(t, 404, "schedule_not_found")
		e.call(t, "GET", "/queues/a/jobs?state=delayed", nil).ok(t, 200, &planned)
		require.Empty(t, planned.Items)
	})
}

func TestAScheduleMakesJobsAgainAndAgain(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		e.queue(t, "q")
		e.work(t, "q", func(context.Context, *bullmq.Job) (any, error) { return nil, nil })
		e.call(t, "POST", "/queues/q/schedules", map[string]any{"id": "s", "every": 100, "limit": 3, "template": map[string]any{"name": "x"}}).ok(t, 201, nil)
		eventually(t, "it has run three times", func() bool {
			var page api.Page[api.Job]
			e.call(t, "GET", "/queues/q/jobs?state=completed", nil).ok(t, 200, &page)
			return *page.Total >= 3
		})
	})
}

func TestAPreviewShowsTheNextRuns(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, e *env) {
		preview := func(body map[string]any) []int64 {
			var out api.ScheduleRuns
			e.call(t, "POST", "/schedules/preview", body).ok(t, 200, &out)
			return out.Runs
		}
		start := time.Date(2090, 3, 25, 0, 0, 0, 0, time.UTC).UnixMilli()
		runs := preview(map[string]any{"cron": "30 2 * * *", "tz": "UTC", "startAt": start})
		require.Len(t, runs, 5)
		for i, at := range runs {
			require.Equal(t, time.Date(2090, 3, 25+i, 2, 30, 0, 0, time.UTC).UnixMilli(), at)
		}
		require.Equal(t, []int64{start, start + 1000, start + 2000}, preview(map[string]any{"every": 1000, "startAt": start, "count": 3}))
		require.Len(t, preview(map[string]any{"every": 1000, "startAt": start, "endAt": start + 1500}), 2)
		require.Len(t, preview(map[string]any{"every": 1000, "limit": 1, "count": 3}), 1)
		require.Empty(t, preview(map[string]any{"cron": "0 0 31 2,4 *"}))
	})
}

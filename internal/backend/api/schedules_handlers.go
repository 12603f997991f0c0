package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/backend/directory"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/schedule"
)

func (s *service) listAllSchedules(ctx context.Context, in *PageQuery) (*pageOutput[Schedule], error) {
	names, err := s.visibleQueues(ctx)
	if err != nil {
		return nil, err
	}
	return s.schedulesOf(ctx, *in, "schedules", names)
}

func (s *service) listSchedules(ctx context.Context, in *listSchedulesInput) (*pageOutput[Schedule], error) {
	if err := s.mustKnow(ctx, in.Queue); err != nil {
		return nil, err
	}
	return s.schedulesOf(ctx, in.PageQuery, "queue-schedules", []string{in.Queue})
}

func (s *service) schedulesOf(ctx context.Context, in PageQuery, kind string, names []string) (*pageOutput[Schedule], error) {
	refs := make([]bullmq.QueueRef, len(names))
	for i, name := range names {
		refs[i] = s.opts.Directory.Ref(name)
	}
	entries, err := schedule.List(ctx, s.opts.Redis, refs)
	if err != nil {
		return nil, err
	}
	page, err := slicePage(in, kind, entries)
	if err != nil {
		return nil, err
	}
	out := &pageOutput[Schedule]{Page[Schedule]{
		Items: make([]Schedule, len(page.Body.Items)), NextCursor: page.Body.NextCursor, Total: page.Body.Total,
	}}
	for i, e := range page.Body.Items {
		out.Body.Items[i] = newSchedule(e.Queue, e.Scheduler)
	}
	return out, nil
}

func (s *service) previewSchedule(_ context.Context, in *previewInput) (*previewOutput, error) {
	runs, err := schedule.Preview(in.Body.repeat(), in.Body.Count, s.opts.Now())
	if err != nil {
		return nil, scheduleRefused(err)
	}
	out := &previewOutput{ScheduleRuns{Runs: make([]int64, len(runs))}}
	for i, at := range runs {
		out.Body.Runs[i] = at.UnixMilli()
	}
	return out, nil
}

func (s *service) createSchedule(ctx context.Context, in *createScheduleInput) (*createScheduleOutput, error) {
	b := &in.Body
	q, err := s.scheduleTarget(ctx, in.Queue, &b.ScheduleSpec)
	if err != nil {
		return nil, err
	}
	if err := schedule.Create(ctx, q, b.ID, b.repeat(), b.Template.template()); err != nil {
		return nil, scheduleRefused(err)
	}
	stored, err := q.JobScheduler(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	return &createScheduleOutput{
		Location: queuePath(in.Queue) + "/schedules/" + url.PathEscape(b.ID), Body: newSchedule(in.Queue, stored),
	}, nil
}

func (s *service) putSchedule(ctx context.Context, in *putScheduleInput) (*scheduleOutput, error) {
	q, err := s.scheduleTarget(ctx, in.Queue, &in.Body)
	if err != nil {
		return nil, err
	}
	if _, err := q.UpsertJobScheduler(ctx, in.ID, in.Body.repeat(), in.Body.Template.template()); err != nil {
		return nil, scheduleRefused(err)
	}
	return s.getSchedule(ctx, &in.SchedulePath)
}

// scheduleTarget returns the queue of a schedule whose jobs it would take, and
// completes their options.
func (s *service) scheduleTarget(ctx context.Context, queue string, spec *ScheduleSpec) (*bullmq.Queue, error) {
	q, err := s.queue(queue)
	if err != nil {
		return nil, err
	}
	t := &spec.Template
	admission, err := s.opts.Directory.Admit(ctx, directory.Candidate{Queue: queue, Name: t.Name, Data: t.Data})
	if err != nil {
		if p := notAdmitted(err, "body.template", "path.queue"); p != nil {
			return nil, p
		}
		return nil, err
	}
	admission.Complete(&t.Opts.JobOptions)
	s.noteQueue(queue)
	return q, nil
}

func (s *service) getSchedule(ctx context.Context, in *SchedulePath) (*scheduleOutput, error) {
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	stored, err := q.JobScheduler(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &scheduleOutput{newSchedule(in.Queue, stored)}, nil
}

func (s *service) deleteSchedule(ctx context.Context, in *SchedulePath) (*struct{}, error) {
	q, err := s.queue(in.Queue)
	if err != nil {
		return nil, err
	}
	return nil, q.RemoveJobScheduler(ctx, in.ID)
}

func (c *Clock) repeat() bullmq.RepeatOptions {
	r := bullmq.RepeatOptions{
		Pattern: c.Cron, Every: time.Duration(c.Every) * time.Millisecond, TZ: c.TZ, Limit: c.Limit,
	}
	if c.StartAt != nil {
		r.StartDate = time.UnixMilli(*c.StartAt)
	}
	if c.EndAt != nil {
		r.EndDate = time.UnixMilli(*c.EndAt)
	}
	return r
}

func (p *ScheduleSpec) repeat() bullmq.RepeatOptions {
	r := p.Clock.repeat()
	r.Immediately = p.Immediately
	return r
}

func (t *NewScheduleTemplate) template() bullmq.JobTemplate {
	return bullmq.JobTemplate{Name: t.Name, Data: t.Data, Opts: &t.Opts.JobOptions}
}

// scheduleFields are the names that schedules have here for what BullMQ calls otherwise.
var scheduleFields = map[string]string{"pattern": "cron", "startDate": "startAt", "endDate": "endAt"}

func scheduleRefused(err error) error {
	v, ok := errors.AsType[*bullmq.ValidationError](err)
	if !ok {
		return err
	}
	field := v.Field
	if name, ok := scheduleFields[field]; ok {
		field = name
	}
	// Options of the template are named with or without their place.
	if rest, ok := strings.CutPrefix(field, "template.opts."); ok {
		field = strings.TrimPrefix("template.opts."+rest, "template.opts.template.")
	}
	return problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body."+field, v.Message)
}

func newSchedule(queue string, j *bullmq.JobScheduler) Schedule {
	out := Schedule{
		ID: j.ID, Queue: queue, Cron: j.Repeat.Pattern, Every: j.Repeat.Every.Milliseconds(), TZ: j.Repeat.TZ,
		StartAt: millis(j.Repeat.StartDate), EndAt: millis(j.Repeat.EndDate), Limit: j.Repeat.Limit,
		NextRun: millis(j.Next), Iterations: j.IterationCount,
		Template: ScheduleTemplate{Name: j.Name, Data: j.Data, Opts: StoredJobOptions{j.Opts}},
	}
	if len(out.Template.Data) == 0 {
		out.Template.Data = JSON("{}")
	}
	return out
}

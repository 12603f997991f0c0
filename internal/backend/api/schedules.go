package api

import "net/http"

// Schedule makes jobs on a clock.
type Schedule struct {
	ID         string           `json:"id"`
	Queue      string           `json:"queue"`
	Cron       string           `json:"cron,omitempty" doc:"A cron pattern; a schedule has this or every"`
	Every      int64            `json:"every,omitempty" doc:"The interval between runs, in ms"`
	TZ         string           `json:"tz,omitempty" doc:"The IANA time zone of cron"`
	StartAt    *int64           `json:"startAt,omitempty" doc:"The earliest run, in epoch ms"`
	EndAt      *int64           `json:"endAt,omitempty" doc:"The latest run, in epoch ms"`
	Limit      int              `json:"limit,omitempty" doc:"How many runs there are in all; 0 means no limit"`
	NextRun    *int64           `json:"nextRun,omitempty" doc:"In epoch ms"`
	Iterations int              `json:"iterations" doc:"How many jobs the schedule has made"`
	Template   ScheduleTemplate `json:"template"`
}

// ScheduleTemplate is what the jobs of a schedule are made from.
type ScheduleTemplate struct {
	Name string           `json:"name"`
	Data JSON             `json:"data" doc:"Any JSON"`
	Opts StoredJobOptions `json:"opts"`
}

// Clock says when a schedule runs.
type Clock struct {
	Cron    string `json:"cron,omitempty" maxLength:"200" doc:"A cron pattern of five fields, or six with seconds first; give this or every" example:"0 3 * * *"`
	Every   int64  `json:"every,omitempty" minimum:"1" maximum:"9007199254" doc:"The interval between runs, in ms"`
	TZ      string `json:"tz,omitempty" maxLength:"64" doc:"The IANA time zone of cron; the server's own if absent" example:"Europe/Berlin"`
	StartAt *int64 `json:"startAt,omitempty" minimum:"0" maximum:"8640000000000000" doc:"The earliest run, in epoch ms"`
	EndAt   *int64 `json:"endAt,omitempty" minimum:"0" maximum:"8640000000000000" doc:"The latest run, in epoch ms"`
	Limit   int    `json:"limit,omitempty" minimum:"0" maximum:"2147483647" doc:"How many runs there are in all; 0 means no limit"`
}

// NewScheduleTemplate is what the jobs of a new schedule are to be made from.
type NewScheduleTemplate struct {
	Name string     `json:"name" minLength:"1" maxLength:"200"`
	Data JSON       `json:"data,omitempty" doc:"Any JSON; an empty object if absent"`
	Opts JobOptions `json:"opts,omitzero"`
}

// ScheduleSpec is a schedule as its author describes it.
type ScheduleSpec struct {
	Clock
	Immediately bool                `json:"immediately,omitempty" doc:"Make the first run of a cron pattern now"`
	Template    NewScheduleTemplate `json:"template"`
}

// NewSchedule is a schedule to create.
type NewSchedule struct {
	ID string `json:"id" minLength:"1" maxLength:"200" pattern:"^[^:]+$" patternDescription:"an id without a colon" doc:"Unique in the queue"`
	ScheduleSpec
}

// ScheduleRuns are times at which a schedule runs.
type ScheduleRuns struct {
	Runs []int64 `json:"runs" doc:"In epoch ms"`
}

// SchedulePath names a schedule in the path of an operation.
type SchedulePath struct {
	QueuePath
	ID string `path:"id" maxLength:"200" doc:"The schedule's id"`
}

type listSchedulesInput struct {
	QueuePath
	PageQuery
}

type createScheduleInput struct {
	QueuePath
	Body NewSchedule
}

type putScheduleInput struct {
	SchedulePath
	Body ScheduleSpec
}

type scheduleOutput struct{ Body Schedule }

type createScheduleOutput struct {
	Location string `header:"Location"`
	Body     Schedule
}

type previewInput struct {
	Body struct {
		Clock
		Count int `json:"count,omitempty" minimum:"1" maximum:"100" default:"5" doc:"How many runs to show"`
	} `nameHint:"SchedulePreview"`
}

type previewOutput struct{ Body ScheduleRuns }

func (s *service) registerSchedules(g group) {
	const ofQueue, one = "/queues/{queue}/schedules", "/queues/{queue}/schedules/{id}"
	route(g, http.MethodGet, "/schedules", "listAllSchedules", "List the schedules of all queues by their next run", s.listAllSchedules)
	route(g, http.MethodPost, "/schedules/preview", "previewSchedule", "Show when a schedule would run", s.previewSchedule)
	route(g, http.MethodGet, ofQueue, "listSchedules", "List the schedules of a queue by their next run", s.listSchedules)
	route(g, http.MethodPost, ofQueue, "createSchedule", "Make a schedule", s.createSchedule, created)
	route(g, http.MethodGet, one, "getSchedule", "Get a schedule", s.getSchedule)
	route(g, http.MethodPut, one, "putSchedule", "Make or replace a schedule", s.putSchedule)
	route(g, http.MethodDelete, one, "deleteSchedule", "Delete a schedule and the job it has planned", s.deleteSchedule)
}

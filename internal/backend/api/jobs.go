package api

import "net/http"

// Job is one job.
type Job struct {
	ID              string           `json:"id"`
	Queue           string           `json:"queue"`
	Name            string           `json:"name" doc:"Workers choose a handler by it"`
	State           JobState         `json:"state"`
	Data            JSON             `json:"data" doc:"What the job was submitted with, any JSON"`
	Opts            StoredJobOptions `json:"opts"`
	Progress        JSON             `json:"progress,omitempty" doc:"What the handler last reported, any JSON; a number is a percentage by convention"`
	ReturnValue     JSON             `json:"returnValue,omitempty" doc:"The handler's result, any JSON"`
	FailedReason    string           `json:"failedReason,omitempty" doc:"The message of the latest failure"`
	Stacktrace      []string         `json:"stacktrace" doc:"One text for each failed attempt, oldest first"`
	AttemptsMade    int              `json:"attemptsMade" doc:"How many attempts have ended"`
	AttemptsStarted int              `json:"attemptsStarted" doc:"How many attempts have begun"`
	StalledCounter  int              `json:"stalledCounter" doc:"How many attempts were lost with their worker"`
	Delay           int64            `json:"delay" doc:"In ms; 0 once it is over"`
	Priority        int              `json:"priority"`
	Timestamp       int64            `json:"timestamp" doc:"When the job was made, in epoch ms"`
	ProcessedOn     *int64           `json:"processedOn,omitempty" doc:"When the latest attempt began, in epoch ms"`
	FinishedOn      *int64           `json:"finishedOn,omitempty" doc:"When the job completed or failed for good, in epoch ms"`
	ProcessedBy     string           `json:"processedBy,omitempty" doc:"The name of the worker of the latest attempt"`
	Parent          *JobParent       `json:"parent,omitempty"`
	DeduplicationID string           `json:"deduplicationId,omitempty"`
	RepeatJobKey    string           `json:"repeatJobKey,omitempty" doc:"The id of the schedule that made the job"`
	Waiting         *JobWaiting      `json:"waiting,omitempty" doc:"Why the job does not run, if it waits; told of single jobs only"`
}

// JobWaiting is why a job does not run yet.
type JobWaiting struct {
	Reason WaitingReason `json:"reason"`
	Detail string        `json:"detail" doc:"The same in words, with what to do"`
	Until  *int64        `json:"until,omitempty" doc:"When that is over, as far as it is known, in epoch ms"`
}

// JobParent is the job that waits for another one.
type JobParent struct {
	ID    string `json:"id"`
	Queue string `json:"queue" doc:"The queue's name with its key prefix, such as bull:mail"`
}

// NewJob is a job to submit.
type NewJob struct {
	Name string     `json:"name" minLength:"1" maxLength:"200" doc:"Workers choose a handler by it"`
	Data JSON       `json:"data,omitempty" doc:"Any JSON; an empty object if absent"`
	Opts JobOptions `json:"opts,omitzero"`
}

// BulkResult is what became of one job of a bulk.
type BulkResult struct {
	Job   *Job   `json:"job,omitempty" doc:"The job, if it was added"`
	Error string `json:"error,omitempty" doc:"Why it was not added"`
}

// BulkResults is what became of the jobs of a bulk, in the order of the request.
type BulkResults struct {
	Items []BulkResult `json:"items"`
	Added int          `json:"added" doc:"How many jobs were added"`
}

// JobLogs are lines of a job's log.
type JobLogs struct {
	Items      []string `json:"items" doc:"Oldest first"`
	NextCursor string   `json:"nextCursor,omitempty" doc:"Give it as cursor to get the next lines; absent at the end"`
	Total      int64    `json:"total" doc:"How many lines there are in all"`
}

// IdempotencyHeader is in the input of requests that make something and may be repeated.
type IdempotencyHeader struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Any text that is new for each thing to make. A repeat within 24 hours gives what the first request made, with status 200."`
}

// JobPath names a job in the path of an operation.
type JobPath struct {
	QueuePath
	ID string `path:"id" maxLength:"512" doc:"The job's id"`
}

// UnknownQuery is in the input of requests that add jobs.
type UnknownQuery struct {
	UnknownHandler string `query:"unknownHandler" enum:"refuse,wait" default:"refuse" doc:"What becomes of a job for which no worker of the queue has a handler: refuse says so at once, wait adds it all the same"`
}

func (q UnknownQuery) unknown() bool { return q.UnknownHandler == "wait" }

type submitJobInput struct {
	QueuePath
	UnknownQuery
	IdempotencyHeader
	Body NewJob
}

type submitJobOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     Job
}

type submitBulkInput struct {
	QueuePath
	UnknownQuery
	IdempotencyHeader
	Body struct {
		Jobs []NewJob `json:"jobs" minItems:"1" maxItems:"10000" doc:"At most 10,000"`
	} `nameHint:"NewJobs"`
}

type submitBulkOutput struct {
	Status int
	Body   BulkResults
}

type listJobsInput struct {
	QueuePath
	PageQuery
	State JobState `query:"state" default:"waiting" doc:"Which jobs to list. Finished jobs come newest first, others in the order they will run."`
}

type jobOutput struct{ Body Job }

type logsOutput struct{ Body JobLogs }

type jobLogsInput struct {
	JobPath
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the lines before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"How many lines to return at most"`
}

func (s *service) registerJobs(g group) {
	const jobs, job = "/queues/{queue}/jobs", "/queues/{queue}/jobs/{id}"
	route(g, http.MethodGet, jobs, "listJobs", "List the jobs of a queue in one state", s.listJobs)
	route(g, http.MethodPost, jobs, "submitJob", "Submit a job", s.submitJob, createdOnce)
	route(g, http.MethodPost, jobs+"/bulk", "submitJobs", "Submit many jobs", s.submitBulk, createdOnce, within(bulkTimeout),
		describe("If one of the jobs is refused, none is added."))
	route(g, http.MethodGet, job, "getJob", "Get a job", s.getJob)
	route(g, http.MethodDelete, job, "deleteJob", "Delete a job and its children", s.deleteJob)
	route(g, http.MethodPost, job+"/retry", "retryJob", "Put a completed or failed job back to wait", s.retryJob)
	route(g, http.MethodPost, job+"/promote", "promoteJob", "Let a delayed job run now", s.promoteJob)
	route(g, http.MethodGet, job+"/logs", "getJobLogs", "Read a job's log", s.jobLogs)
}

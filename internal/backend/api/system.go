package api

import "net/http"

// Stats are totals over all queues that the caller may see.
type Stats struct {
	Queues       int          `json:"queues" doc:"How many queues there are"`
	PausedQueues int          `json:"pausedQueues"`
	Workers      int          `json:"workers" doc:"How many connections wait for jobs, Node or Go"`
	Jobs         JobCounts    `json:"jobs" doc:"The numbers of jobs over all queues"`
	PerQueue     []QueueStats `json:"perQueue" doc:"The same for each queue, by name"`
}

// QueueStats are the numbers of one queue.
type QueueStats struct {
	Name    string    `json:"name"`
	Paused  bool      `json:"paused"`
	Workers int       `json:"workers"`
	Counts  JobCounts `json:"counts"`
}

// Handler is code that runs jobs of one name, as the workers publish it. Where
// workers differ, it is described as the newest worker has it in service.
type Handler struct {
	Name         string          `json:"name"`
	Kind         string          `json:"kind" enum:"core,custom,plugin"`
	Version      string          `json:"version,omitempty" doc:"Absent if no version is in service"`
	Description  string          `json:"description,omitempty"`
	Author       string          `json:"author,omitempty"`
	Source       string          `json:"source,omitempty" doc:"The file or package it comes from"`
	Language     string          `json:"language,omitempty"`
	DataSchema   JSON            `json:"dataSchema,omitempty" doc:"The JSON Schema of the job's data"`
	ResultSchema JSON            `json:"resultSchema,omitempty" doc:"The JSON Schema of the result"`
	Defaults     JSON            `json:"defaults,omitempty" doc:"Options of jobs that don't say themselves"`
	Error        *HandlerError   `json:"error,omitempty" doc:"Why a newer version is not in service on one of the workers"`
	Queues       []string        `json:"queues" doc:"The queues on which workers run it"`
	Workers      int             `json:"workers" doc:"How many workers have it"`
	Running      int             `json:"running" doc:"How many of its jobs run now, over all workers"`
	Held         int             `json:"held" doc:"How many jobs workers have taken that wait for one of those to end"`
	On           []HandlerWorker `json:"on" doc:"Which version runs where"`
}

// HandlerWorker is a handler on one worker.
type HandlerWorker struct {
	WorkerID    string           `json:"workerId"`
	Worker      string           `json:"worker" doc:"The worker's name"`
	Host        string           `json:"host"`
	Version     string           `json:"version,omitempty" doc:"Absent if no version is in service there"`
	Hash        string           `json:"hash,omitempty" doc:"The part of the version that changes with the content"`
	Disabled    bool             `json:"disabled,omitempty"`
	Running     int              `json:"running" doc:"How many of its jobs run there now, on all versions"`
	Held        int              `json:"held" doc:"How many jobs wait there for one of those to end"`
	Concurrency int              `json:"concurrency" doc:"How many may run there at once over all queues; 0 means no limit of its own"`
	Draining    []HandlerVersion `json:"draining" doc:"Versions that have been replaced and still run jobs"`
	Error       *HandlerError    `json:"error,omitempty"`
}

// HandlerVersion is a version that runs jobs.
type HandlerVersion struct {
	Version string `json:"version"`
	Running int    `json:"running"`
}

// HandlerError says why the newest version of a handler could not be loaded. The
// version before it may still be in service.
type HandlerError struct {
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty" doc:"Counted from 1"`
	Column  int    `json:"column,omitempty" doc:"Counted from 1"`
	Frame   string `json:"frame,omitempty" doc:"The lines around that place, numbered, with a mark below the column"`
	At      int64  `json:"at" doc:"In epoch ms"`
}

// Worker is a JobRunner worker process.
type Worker struct {
	ID        string        `json:"id"`
	Name      string        `json:"name" doc:"What its owner calls it, and jobs have as processedBy"`
	Host      string        `json:"host"`
	PID       int           `json:"pid"`
	StartedAt int64         `json:"startedAt" doc:"In epoch ms"`
	SeenAt    int64         `json:"seenAt" doc:"When it last reported, in epoch ms"`
	Paused    bool          `json:"paused" doc:"It takes no jobs until it is resumed"`
	Stopping  bool          `json:"stopping" doc:"It ends the jobs it has and takes no more"`
	Queues    []WorkerQueue `json:"queues"`
	Handlers  []string      `json:"handlers" doc:"The names of its handlers"`
}

// WorkerQueue is a queue that a worker serves.
type WorkerQueue struct {
	Name        string     `json:"name"`
	Concurrency int        `json:"concurrency" doc:"How many jobs it runs at once at most"`
	Running     int        `json:"running" doc:"How many it runs now"`
	Held        int        `json:"held" doc:"How many it has taken besides, which wait until their handler is free"`
	Handlers    []string   `json:"handlers,omitempty" doc:"Patterns of the handlers it runs on this queue; all if absent"`
	Pattern     string     `json:"pattern,omitempty" doc:"The pattern that the queue was found by, if it was not named"`
	RateLimit   *RateLimit `json:"rateLimit,omitempty" doc:"The worker's own limit"`
}

// WorkerConnection is a connection on which any BullMQ worker waits for jobs.
type WorkerConnection struct {
	ID    string `json:"id"`
	Queue string `json:"queue"`
	Name  string `json:"name,omitempty"`
	Addr  string `json:"addr"`
	Age   int64  `json:"age" doc:"How long it has been open, in ms"`
}

// Workers are the workers that are there now.
type Workers struct {
	Items       []Worker           `json:"items" doc:"JobRunner's own"`
	Connections []WorkerConnection `json:"connections" doc:"All, Node ones included, as Redis sees them"`
}

// System describes the backend.
type System struct {
	Version   string       `json:"version"`
	GoVersion string       `json:"goVersion"`
	StartedAt int64        `json:"startedAt" doc:"In epoch ms"`
	Now       int64        `json:"now" doc:"The server's clock, in epoch ms"`
	Prefix    string       `json:"prefix" doc:"The key prefix of the queues"`
	Redis     RedisInfo    `json:"redis"`
	SQL       SQLInfo      `json:"sql"`
	Limits    ServerLimits `json:"limits"`
}

// RedisInfo describes the Redis or Valkey server.
type RedisInfo struct {
	Server           string `json:"server" doc:"redis or valkey"`
	Version          string `json:"version"`
	Mode             string `json:"mode" doc:"standalone, sentinel or cluster"`
	UptimeSeconds    int64  `json:"uptimeSeconds"`
	UsedMemory       int64  `json:"usedMemory" doc:"In bytes"`
	MaxMemory        int64  `json:"maxMemory" doc:"In bytes; 0 means no limit"`
	ConnectedClients int64  `json:"connectedClients"`
}

// SQLInfo describes the SQL database.
type SQLInfo struct {
	Dialect string `json:"dialect" enum:"sqlite,postgres"`
	Version string `json:"version"`
}

// ServerLimits are the limits a client should know.
type ServerLimits struct {
	BodyBytes int64 `json:"bodyBytes" doc:"The largest body of a request"`
	BulkJobs  int   `json:"bulkJobs" doc:"The most jobs of one bulk"`
}

type workerInput struct {
	ID string `path:"id" maxLength:"100" doc:"The worker's id"`
}

type handlerInput struct {
	Name string `path:"name" maxLength:"200" doc:"The handler's name"`
}

type (
	statsOutput   struct{ Body Stats }
	handlerOutput struct{ Body Handler }
	workersOutput struct{ Body Workers }
	workerOutput  struct{ Body Worker }
	systemOutput  struct{ Body System }
)

func (s *service) registerSystem(g group) {
	route(g, http.MethodGet, "/stats", "getStats", "Get totals over all queues", s.stats)
	route(g, http.MethodGet, "/handlers", "listHandlers", "List the handlers that workers have", s.listHandlers)
	route(g, http.MethodGet, "/handlers/{name}", "getHandler", "Get a handler", s.getHandler)
	route(g, http.MethodGet, "/workers", "listWorkers", "List the workers that are there now", s.listWorkers)
	route(g, http.MethodPost, "/workers/{id}/pause", "pauseWorker", "Stop one worker from taking jobs", s.pauseWorker,
		describe("Jobs that run go on. It holds until the worker is resumed or ends."))
	route(g, http.MethodPost, "/workers/{id}/resume", "resumeWorker", "Let a worker take jobs again", s.resumeWorker)
	route(g, http.MethodGet, "/system", "getSystem", "Describe the backend and its stores", s.system)
}

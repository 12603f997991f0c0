package api

import "net/http"

// Queue is one queue.
type Queue struct {
	Name        string     `json:"name"`
	Paused      bool       `json:"paused"`
	Counts      JobCounts  `json:"counts"`
	Concurrency int        `json:"concurrency" doc:"How many jobs may run at once over all workers; 0 means no limit"`
	RateLimit   *RateLimit `json:"rateLimit,omitempty"`
	Workers     int        `json:"workers" doc:"How many workers, Node or Go, are connected to it"`
}

// JobCounts are the numbers of jobs by state.
type JobCounts struct {
	Waiting         int64 `json:"waiting"`
	Active          int64 `json:"active"`
	Delayed         int64 `json:"delayed"`
	Prioritized     int64 `json:"prioritized"`
	WaitingChildren int64 `json:"waiting-children"`
	Completed       int64 `json:"completed"`
	Failed          int64 `json:"failed"`
}

// RateLimit says how many jobs of a queue may start in a time.
type RateLimit struct {
	Max      int   `json:"max"`
	Duration int64 `json:"duration" doc:"In ms"`
}

// QueuePath names a queue in the path of an operation.
type QueuePath struct {
	Queue string `path:"queue" maxLength:"200" doc:"The queue's name"`
}

type createQueueInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200" pattern:"^[^:]+$" patternDescription:"a name without a colon" doc:"Any text without a colon"`
	} `nameHint:"NewQueue"`
}

type queueOutput struct{ Body Queue }

type createQueueOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     Queue
}

func (s *service) registerQueues(g group) {
	route(g, http.MethodGet, "/queues", "listQueues", "List the queues by name", s.listQueues)
	route(g, http.MethodPost, "/queues", "createQueue", "Make a queue", s.createQueue, createdOr("The queue was there already"))
	route(g, http.MethodGet, "/queues/{queue}", "getQueue", "Get a queue", s.getQueue)
	route(g, http.MethodPost, "/queues/{queue}/pause", "pauseQueue", "Stop workers from taking jobs of a queue", s.pauseQueue)
	route(g, http.MethodPost, "/queues/{queue}/resume", "resumeQueue", "Let workers take jobs of a queue again", s.resumeQueue)
}

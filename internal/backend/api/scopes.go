package api

import "github.com/jobrunner-dev/jobrunner/internal/backend/auth"

// scopes says for every operation what its caller must be allowed to do.
var scopes = map[string]auth.Scope{
	"GET /auth/setup":     auth.Public,
	"POST /auth/register": auth.Public,
	"POST /auth/login":    auth.Public,
	"POST /auth/refresh":  auth.Public,
	"POST /auth/logout":   auth.Public,
	"GET /auth/me":        auth.SignedIn,

	"GET /api-keys":         auth.KeysAdmin,
	"POST /api-keys":        auth.KeysAdmin,
	"DELETE /api-keys/{id}": auth.KeysAdmin,

	"GET /queues":                 auth.QueuesRead,
	"POST /queues":                auth.QueuesAdmin,
	"GET /queues/{queue}":         auth.QueuesRead,
	"POST /queues/{queue}/pause":  auth.QueuesAdmin,
	"POST /queues/{queue}/resume": auth.QueuesAdmin,

	"GET /queues/{queue}/jobs":               auth.JobsRead,
	"POST /queues/{queue}/jobs":              auth.JobsWrite,
	"POST /queues/{queue}/jobs/bulk":         auth.JobsWrite,
	"GET /queues/{queue}/jobs/{id}":          auth.JobsRead,
	"DELETE /queues/{queue}/jobs/{id}":       auth.JobsWrite,
	"POST /queues/{queue}/jobs/{id}/retry":   auth.JobsWrite,
	"POST /queues/{queue}/jobs/{id}/promote": auth.JobsWrite,
	"GET /queues/{queue}/jobs/{id}/logs":     auth.JobsRead,

	"GET /schedules":                        auth.SchedulesRead,
	"POST /schedules/preview":               auth.SchedulesRead,
	"GET /queues/{queue}/schedules":         auth.SchedulesRead,
	"POST /queues/{queue}/schedules":        auth.SchedulesWrite,
	"GET /queues/{queue}/schedules/{id}":    auth.SchedulesRead,
	"PUT /queues/{queue}/schedules/{id}":    auth.SchedulesWrite,
	"DELETE /queues/{queue}/schedules/{id}": auth.SchedulesWrite,

	"GET /flows":            auth.FlowsRead,
	"POST /flows":           auth.FlowsWrite,
	"GET /flows/{id}":       auth.FlowsRead,
	"PUT /flows/{id}":       auth.FlowsWrite,
	"DELETE /flows/{id}":    auth.FlowsWrite,
	"GET /flows/{id}/runs":  auth.FlowsRead,
	"POST /flows/{id}/runs": auth.FlowsWrite,
	"GET /flow-runs/{run}":  auth.FlowsRead,

	"GET /webhooks":                 auth.WebhooksRead,
	"POST /webhooks":                auth.WebhooksWrite,
	"GET /webhooks/{id}":            auth.WebhooksRead,
	"PUT /webhooks/{id}":            auth.WebhooksWrite,
	"DELETE /webhooks/{id}":         auth.WebhooksWrite,
	"GET /webhooks/{id}/deliveries": auth.WebhooksRead,

	"GET /stats":                auth.QueuesRead,
	"GET /handlers":             auth.SystemRead,
	"GET /handlers/{name}":      auth.SystemRead,
	"GET /workers":              auth.SystemRead,
	"POST /workers/{id}/pause":  auth.QueuesAdmin,
	"POST /workers/{id}/resume": auth.QueuesAdmin,
	"GET /system":               auth.SystemRead,
}

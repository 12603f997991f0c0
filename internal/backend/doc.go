// Package backend puts the parts of the backend together: the REST API, live
// connections, webhooks, Bull Board, health checks and the web client behind
// one HTTP handler, and the work that goes on beside it.
package backend

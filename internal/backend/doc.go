// Package backend puts the parts of the backend together: the REST API, live
// connections, the event hub, health checks and the web client behind one HTTP
// handler, and what runs beside it.
package backend

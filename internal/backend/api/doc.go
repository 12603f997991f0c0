// Package api is the REST interface of the backend: operations on huma, each
// thin over a service or over the engine, and the OpenAPI document made from
// their Go types.
//
// [Register] mounts all operations. Each one's path, method and scope stand in
// one table, scopes.go; an operation that is missing there can't be registered.
package api

//go:generate go run ./gendoc openapi.json

// Package store keeps in SQL what Redis has no place for: users, sessions, API
// keys, flows and their runs, webhooks and the audit log. It is the only package
// with SQL in it.
//
// [Open] takes the URL of a SQLite file or of a PostgreSQL database and brings
// its schema up to date. Each resource has one file with its models and queries.
// Times are epoch milliseconds in both databases, ids are UUIDs as text.
package store

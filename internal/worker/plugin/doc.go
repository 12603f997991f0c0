// Package plugin installs plugins and decides which of them a worker loads.
//
// A plugin is a folder of handlers with a manifest; see [Read]. A plugin
// directory holds plugin folders, and beside them
//
//	jobrunner-plugins.lock   what is installed: version, source, checksum, granted permissions
//	.jobrunner/              what the manager needs: the lock between processes, unfinished
//	                         work, and a list of each plugin's files
//
// A [Manager] changes a plugin directory. It works in two steps, so that a
// person can decide in between: it stages a plugin, which fetches and checks it
// but runs none of its code, and then installs what it staged, with the
// permissions that were granted. A plugin appears in its place, or changes
// there, by a rename: a worker that watches the directory sees the old plugin
// or the new one, never half of one.
//
// A [Gate] is the worker's side: it opens a plugin folder only if its files are
// those that were installed.
//
// The lock file protects against plugins that change by mistake or behind the
// operator's back, not against somebody who may write the lock file too.
package plugin

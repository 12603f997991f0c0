// Package sdkjs carries the JavaScript SDK and its host shim, for the worker to
// unpack and run.
package sdkjs

import "embed"

// Files are the package's files as npm would install them.
//
//go:embed package.json index.mjs index.d.ts host.mjs bullmq.mjs lib/*.mjs
var Files embed.FS

// Package sdkpython carries the Python SDK and its host shim, for the worker to
// unpack and run.
package sdkpython

import "embed"

// Files are the import package and the shim, side by side.
//
//go:embed jobrunner_host.py jobrunner/*.py jobrunner/py.typed jobrunner/_host/*.py
var Files embed.FS

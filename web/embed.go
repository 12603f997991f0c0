// Package web serves JobRunner's browser client.
//
// The client is built by Vite into dist and embedded in the binary; the rest
// of this folder is its TypeScript source. Go builds and tests without Node:
// an empty dist is served as a page that says how to build the client.
package web

import "embed"

// all: keeps .gitkeep, without which an empty dist could not be embedded.
//
//go:embed all:dist
var embedded embed.FS

package board

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// sessionScript keeps the sign-in of an open page from ending.
//
//go:embed session.js
var sessionScript []byte

// Dist returns the page's files as they were built into the program. Without
// a build it has no index.ejs.
func Dist() fs.FS {
	dist, err := fs.Sub(embedded, "dist")
	if err != nil {
		panic(err) // the path is valid
	}
	return dist
}

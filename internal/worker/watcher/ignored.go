package watcher

import (
	"path/filepath"
	"slices"
	"strings"
)

// mountedData is the link that Kubernetes swaps when it replaces all files of a
// mounted ConfigMap or Secret, which are links into it.
const mountedData = "..data"

// leftovers are endings of files that editors and tools write beside the real one.
var leftovers = []string{
	".swp", ".swo", ".swx", // vim
	".vsctmp",       // VS Code
	".kate-swp",     // Kate
	".save",         // nano
	".tmp", ".temp", // many
	".bak", ".orig", // copies, merges
	".part", ".crdownload", // downloads
	".pyc",
}

// Installed are files in node_modules that npm, pnpm and Yarn write when they
// have installed everything.
var Installed = []string{".package-lock.json", ".modules.yaml", ".yarn-integrity", ".yarn-state.yml"}

// Ignored reports whether a path is what editors, interpreters and version
// control leave lying about, rather than what an author wrote.
func Ignored(path string) bool {
	name := filepath.Base(path)
	switch {
	case slices.Contains(Installed, name):
		return false
	case strings.HasPrefix(name, "."): // vim, gedit, Emacs' locks, NFS
		return true
	case strings.HasPrefix(name, "#"), strings.HasSuffix(name, "#"): // Emacs' unsaved text
		return true
	case strings.HasPrefix(name, "~"), strings.HasSuffix(name, "~"): // backups
		return true
	case strings.Contains(name, "___jb_"): // JetBrains' safe write
		return true
	case name == "4913", name == "__pycache__", name == "node_modules":
		return true // vim tries whether it can write with a file named 4913
	}
	return slices.Contains(leftovers, strings.ToLower(filepath.Ext(name)))
}

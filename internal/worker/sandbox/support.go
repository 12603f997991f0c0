package sandbox

import (
	"log/slog"
	"sync"
)

// Support says by what means the parts of a [Policy] are put into force on this
// machine, in words such as "cgroup v2" or "nothing: the kernel has no Landlock".
type Support struct {
	Memory    string `json:"memory"`
	CPU       string `json:"cpu"`
	Processes string `json:"processes"`
	Files     string `json:"files"`
	Network   string `json:"network"`
	// Tree is how everything that a program has started is ended with it.
	Tree string `json:"tree"`
	// Confined reports whether permissions are in force: without it a program
	// can reach every file that the worker's user can.
	Confined bool `json:"confined"`
}

// LogValue implements [slog.LogValuer].
func (s Support) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("memory", s.Memory), slog.String("cpu", s.CPU), slog.String("processes", s.Processes),
		slog.String("files", s.Files), slog.String("network", s.Network), slog.String("tree", s.Tree),
	)
}

// Check tries what this machine allows. The first call takes some milliseconds,
// and ends what a worker that was killed has left.
func Check() Support { return support().describe() }

// support is what was found on this machine, once.
var support = sync.OnceValue(func() *hostSupport { return findSupport() })

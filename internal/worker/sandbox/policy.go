package sandbox

import "slices"

// Policy says what one program, with all processes it starts, may do.
//
// Limits are set and permissions are granted: the zero value has no limits and
// grants nothing but reading the program's own folder and the system's
// libraries, and writing its own temporary directory.
type Policy struct {
	// Memory bounds the memory of the program, in bytes: that of all its processes
	// where there are control groups, and else that of each. 0 sets no bound.
	Memory int64 `json:"memory,omitempty"`
	// CPU bounds processor time, in cores: 0.5 is half of one. Without control
	// groups only whole cores can be kept from it. 0 sets no bound.
	CPU float64 `json:"cpu,omitempty"`
	// Processes bounds how many processes and threads it has at once; 0 sets no bound.
	Processes int `json:"processes,omitempty"`
	// OpenFiles bounds the descriptors each of its processes has open; 0 sets no bound.
	OpenFiles int `json:"openFiles,omitempty"`
	// FileSize bounds each file it writes, in bytes; 0 sets no bound.
	FileSize int64 `json:"fileSize,omitempty"`

	// AllFiles grants every file that the worker's user can reach. Read and
	// Write then mean nothing.
	AllFiles bool `json:"allFiles,omitempty"`
	// Read are files and folders, with all below them, that it may read and run,
	// as absolute paths. Those that are not there when it starts grant nothing.
	Read []string `json:"read,omitempty"`
	// Write are files and folders likewise that it may read, run and change.
	Write []string `json:"write,omitempty"`
	// Network grants sockets. Without it the program opens none, not even to
	// this machine.
	Network bool `json:"network,omitempty"`
}

// Default is the policy of an operator's own handlers, which are as trusted as
// the worker itself: all files and the network, within limits that keep a
// mistake from taking the machine down.
func Default() Policy {
	return Policy{
		Memory: 1 << 30, Processes: 512, OpenFiles: 4096, FileSize: 4 << 30,
		AllFiles: true, Network: true,
	}
}

// Clone returns a policy that shares nothing with p.
func (p Policy) Clone() Policy {
	p.Read, p.Write = slices.Clone(p.Read), slices.Clone(p.Write)
	return p
}

// WithRead grants reading further paths.
func (p Policy) WithRead(paths ...string) Policy {
	p.Read = slices.Concat(p.Read, paths)
	return p
}

// WithWrite grants reading and changing further paths.
func (p Policy) WithWrite(paths ...string) Policy {
	p.Write = slices.Concat(p.Write, paths)
	return p
}

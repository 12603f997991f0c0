package peer

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/jobrunner-dev/jobrunner/bench/internal/server"
)

// Addresses are where the servers listen.
type Addresses struct {
	Redis    string
	Postgres string
}

// Servers are the stores that engines keep their jobs in.
type Servers struct {
	Redis    *server.Redis
	Postgres *server.Postgres // nil if no engine needs it
}

// Addresses returns what an engine's process is told of the servers.
func (s Servers) Addresses() Addresses {
	a := Addresses{Redis: s.Redis.Addr}
	if s.Postgres != nil {
		a.Postgres = s.Postgres.URL
	}
	return a
}

// Peer is an engine as the benchmark sees it from outside.
type Peer struct {
	// Key selects the engine on the command line.
	Key string
	// Name and Settings are shown in the results.
	Name     string
	Settings string
	// Version names the release that was measured.
	Version func() string
	// HasBulk says that the engine adds many jobs in one call.
	HasBulk bool
	// Store is where the engine keeps its jobs.
	Store func(Servers) server.Store
	// Finished returns how many jobs are stored as done.
	Finished func(ctx context.Context, s Servers) (int, error)

	open    func(ctx context.Context, addresses Addresses) (Engine, error) // nil for an engine that is not in Go
	command func(addresses Addresses) ([]string, error)
}

// All returns the engines, the subject first.
func All() []*Peer { return []*Peer{JobRunner, Node, Asynq, River} }

// Find returns the engine of that key, or nil.
func Find(key string) *Peer {
	for _, p := range All() {
		if p.Key == key {
			return p
		}
	}
	return nil
}

func onRedis(s Servers) server.Store    { return s.Redis }
func onPostgres(s Servers) server.Store { return s.Postgres }

// HostCommand is the first argument that makes this binary a host.
const HostCommand = "host"

// commandOf runs an engine of this binary.
func commandOf(key string) func(Addresses) ([]string, error) {
	return func(a Addresses) ([]string, error) {
		self, err := os.Executable()
		return []string{self, HostCommand, key, a.Redis, a.Postgres}, err
	}
}

// moduleVersion returns the version of a Go module in this binary.
func moduleVersion(path string) func() string {
	return func() string {
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, m := range info.Deps {
				if m.Path == path {
					return m.Version
				}
			}
		}
		return "unknown"
	}
}

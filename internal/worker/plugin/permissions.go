package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// anything, as a network host, is every host, and as a variable every one that
// the worker shows to handlers. everyFile, as a path, is every file.
const (
	anything  = "*"
	everyFile = "/"
)

// maxPermissions bounds each list of permissions: a person is to read them.
const maxPermissions = 64

// Permissions are what a plugin may do beyond reading its own files and
// working with its temporary directory. The zero value is that and no more.
type Permissions struct {
	// Network are the hosts it talks to: names, "*.example.com" for all below
	// one, or "*" for any. The sandbox opens the network as a whole, or not at
	// all: the names tell the operator what it is for.
	Network []string `json:"network,omitempty"`
	// Env names the environment variables of the worker that it sees. "*" are
	// those that the setting handler-env shows to every handler.
	Env []string `json:"env,omitempty"`
	// Read and Write are absolute paths of files and folders, with all below
	// them. Write includes reading. "/" is every file.
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
	// MemoryMiB bounds its memory. Defaults to 0, which means the limit that
	// handlers have without asking.
	MemoryMiB int64 `json:"memoryMiB,omitempty"`
	// CPUs bounds its processor time, in cores. Defaults to 0, which means the
	// limit that handlers have without asking.
	CPUs float64 `json:"cpus,omitempty"`
}

// Permission is one of [Permissions], for lists and tables.
type Permission struct {
	// Kind is "network", "env", "read", "write", "memory" (in MiB) or "cpus".
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// String writes a permission as [ParseGrants] reads it.
func (p Permission) String() string { return p.Kind + "=" + p.Value }

// unlimited are the permissions of what declares none: an older package gets
// what an operator's own handlers have.
func unlimited() Permissions {
	return Permissions{Network: []string{anything}, Env: []string{anything}, Write: []string{everyFile}}
}

// List returns the permissions one by one, in a fixed order.
func (p Permissions) List() []Permission {
	list := []Permission{}
	for _, kind := range []struct {
		name   string
		values []string
	}{{"network", p.Network}, {"env", p.Env}, {"read", p.Read}, {"write", p.Write}} {
		for _, value := range kind.values {
			list = append(list, Permission{kind.name, value})
		}
	}
	if p.MemoryMiB > 0 {
		list = append(list, Permission{"memory", strconv.FormatInt(p.MemoryMiB, 10)})
	}
	if p.CPUs > 0 {
		list = append(list, Permission{"cpus", formatCPUs(p.CPUs)})
	}
	return list
}

// Beyond returns what p asks for and granted does not cover.
func (p Permissions) Beyond(granted Permissions) []Permission {
	missing := []Permission{}
	for _, want := range p.List() {
		if !granted.covers(p, want) {
			missing = append(missing, want)
		}
	}
	return missing
}

// covers reports whether what is granted includes a permission.
func (p Permissions) covers(asked Permissions, want Permission) bool {
	switch want.Kind {
	case "network":
		return slices.ContainsFunc(p.Network, func(host string) bool { return hostCovers(host, want.Value) })
	case "env":
		return slices.Contains(p.Env, want.Value)
	case "read":
		return slices.ContainsFunc(slices.Concat(p.Read, p.Write), func(path string) bool { return pathCovers(path, want.Value) })
	case "write":
		return slices.ContainsFunc(p.Write, func(path string) bool { return pathCovers(path, want.Value) })
	case "memory":
		return p.MemoryMiB >= asked.MemoryMiB
	default:
		return p.CPUs >= asked.CPUs
	}
}

func hostCovers(pattern, host string) bool {
	if pattern == anything || pattern == host {
		return true
	}
	domain, isWildcard := strings.CutPrefix(pattern, "*")
	return isWildcard && host != anything && strings.HasSuffix(host, domain)
}

func pathCovers(dir, path string) bool {
	return dir == everyFile || dir == path || strings.HasPrefix(path, dir+"/")
}

// Join returns what either of two grants allows.
func (p Permissions) Join(other Permissions) Permissions {
	joined := Permissions{
		Network: slices.Concat(p.Network, other.Network), Env: slices.Concat(p.Env, other.Env),
		Read: slices.Concat(p.Read, other.Read), Write: slices.Concat(p.Write, other.Write),
		MemoryMiB: max(p.MemoryMiB, other.MemoryMiB), CPUs: max(p.CPUs, other.CPUs),
	}
	for _, list := range []*[]string{&joined.Network, &joined.Env, &joined.Read, &joined.Write} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return joined
}

// env names the variables that the permissions amount to, where the worker
// shows some to every handler.
func (p Permissions) env(shown []string) []string {
	var names []string
	for _, name := range p.Env {
		if name == anything {
			names = append(names, shown...)
		} else {
			names = append(names, name)
		}
	}
	return names
}

// policy returns the sandbox that the permissions amount to. Limits that they
// do not speak of are those of base.
func (p Permissions) policy(base sandbox.Policy) sandbox.Policy {
	policy := base.Clone()
	policy.Memory = cmp.Or(p.MemoryMiB<<20, base.Memory)
	policy.CPU = cmp.Or(p.CPUs, base.CPU)
	policy.Network = len(p.Network) > 0
	policy.AllFiles = slices.Contains(p.Write, everyFile)
	policy.Read, policy.Write = slices.Clone(p.Read), slices.Clone(p.Write)
	return policy
}

// Bounds of the limits that a plugin may ask for.
const (
	minMemoryMiB = 16
	maxMemoryMiB = 1 << 20
	minCPUs      = 0.01
	maxCPUs      = 1024
)

var (
	hostName = regexp.MustCompile(`^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	envName  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
)

// normalize checks the permissions and puts their lists into a fixed order.
func (p *Permissions) normalize() error {
	for i, host := range p.Network {
		p.Network[i] = strings.ToLower(host)
	}
	lists := []struct {
		name  string
		list  *[]string
		check func(string) error
	}{
		{"network", &p.Network, checkHost},
		{"env", &p.Env, checkEnv},
		{"read", &p.Read, checkPath},
		{"write", &p.Write, checkPath},
	}
	for _, l := range lists {
		if len(*l.list) > maxPermissions {
			return fmt.Errorf("permission %s has %d values, at most %d are allowed", l.name, len(*l.list), maxPermissions)
		}
		for _, value := range *l.list {
			if err := l.check(value); err != nil {
				return fmt.Errorf("permission %s: %w", l.name, err)
			}
		}
		slices.Sort(*l.list)
		*l.list = slices.Compact(*l.list)
	}
	if p.MemoryMiB != 0 && (p.MemoryMiB < minMemoryMiB || p.MemoryMiB > maxMemoryMiB) {
		return fmt.Errorf("permission memory must be from %d to %d MiB", minMemoryMiB, maxMemoryMiB)
	}
	if p.CPUs != 0 && (math.IsNaN(p.CPUs) || p.CPUs < minCPUs || p.CPUs > maxCPUs) {
		return fmt.Errorf("permission cpus must be from %g to %d", minCPUs, maxCPUs)
	}
	return nil
}

func checkHost(host string) error {
	if host == anything || (len(host) <= 253 && hostName.MatchString(host)) {
		return nil
	}
	return fmt.Errorf(`%q is not a host name; "*" is any host, "*.example.com" every one below example.com; ports and URLs are not named`, host)
}

func checkEnv(name string) error {
	switch {
	case name == anything:
		return nil
	case !envName.MatchString(name):
		return fmt.Errorf("%q is not the name of a variable", name)
	case strings.HasPrefix(name, "JOBRUNNER_"):
		return fmt.Errorf("%q is a setting of JobRunner itself, which plugins never see", name)
	}
	return nil
}

func checkPath(path string) error {
	switch {
	case !filepath.IsAbs(path) || filepath.Clean(path) != path:
		return fmt.Errorf("%q is not an absolute path in its plain form", path)
	case hasControl(path):
		return errors.New("a path has characters that cannot be shown")
	}
	return nil
}

func formatCPUs(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

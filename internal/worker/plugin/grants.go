package plugin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseGrants reads permissions of the form KIND=VALUE, as [Permission.String]
// writes them; "none" is no permission.
func ParseGrants(grants []string) (Permissions, error) {
	var p Permissions
	for _, grant := range grants {
		if grant == "none" {
			continue
		}
		kind, value, _ := strings.Cut(grant, "=")
		if err := p.add(kind, value); err != nil {
			return Permissions{}, fmt.Errorf("grant %q: %w", grant, err)
		}
	}
	if err := p.normalize(); err != nil {
		return Permissions{}, err
	}
	return p, nil
}

func (p *Permissions) add(kind, value string) (err error) {
	if value == "" {
		return errors.New("want KIND=VALUE, or none")
	}
	switch kind {
	case "network":
		p.Network = append(p.Network, value)
	case "env":
		p.Env = append(p.Env, value)
	case "read":
		p.Read = append(p.Read, value)
	case "write":
		p.Write = append(p.Write, value)
	case "memory":
		if p.MemoryMiB, err = strconv.ParseInt(value, 10, 64); err != nil {
			return errors.New("memory is a number of MiB")
		}
	case "cpus":
		if p.CPUs, err = strconv.ParseFloat(value, 64); err != nil {
			return errors.New("cpus is a number of processor cores")
		}
	default:
		return errors.New("the kind must be network, env, read, write, memory or cpus")
	}
	return nil
}

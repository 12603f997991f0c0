// Package connection holds what the named connections of handlers have in
// common: operators name servers in the worker's configuration, as NAME=URL, and
// jobs refer to them by name, so that jobs hold neither addresses nor credentials.
package connection

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Set is a list of connections of one kind.
type Set[T any] struct {
	kind, setting string
	names         []string
	items         map[string]T
}

// Parse reads connections of the form NAME=URL. The kind, such as "SMTP", and the
// setting that they come from stand in errors, which never repeat a URL, for it
// may hold a password; neither may those of parse.
func Parse[T any](kind, setting string, specs []string, parse func(name, target string) (T, error)) (*Set[T], error) {
	s := &Set[T]{kind: kind, setting: setting, items: map[string]T{}}
	for i, spec := range specs {
		name, target, found := strings.Cut(spec, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("%s connection number %d must have the form NAME=URL", kind, i+1)
		}
		if _, twice := s.items[name]; twice {
			return nil, fmt.Errorf("%s connection %q is there twice", kind, name)
		}
		item, err := parse(name, target)
		if err != nil {
			return nil, fmt.Errorf("%s connection %q: %w", kind, name, err)
		}
		s.names = append(s.names, name)
		s.items[name] = item
	}
	return s, nil
}

// Find returns the connection of that name; an empty name means the only one.
func (s *Set[T]) Find(name string) (T, error) {
	var none T
	if name == "" && len(s.names) == 1 {
		name = s.names[0]
	}
	item, ok := s.items[name]
	switch {
	case ok:
		return item, nil
	case len(s.names) == 0:
		return none, fmt.Errorf("this worker has no %s connection; add one with the setting %q", s.kind, s.setting)
	case name == "":
		return none, errors.New("connection is required, for this worker has several: " + strings.Join(s.names, ", "))
	default:
		return none, fmt.Errorf("%s connection %q is not configured; there are: %s", s.kind, name, strings.Join(s.names, ", "))
	}
}

// IsLoopback reports whether a host in a URL is this machine, by its name or digits.
func IsLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

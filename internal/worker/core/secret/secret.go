// Package secret resolves the names by which jobs and connections refer to
// passwords, tokens and keys, so that none of them stands in a job's data, in
// the configuration or in a log.
//
// A secret says where it may go: jobs choose the address that they send it to,
// so without a list of hosts anybody who can add a job could have it sent to
// themselves. A secret without hosts serves the worker's own connections only.
package secret

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
)

// maxBytes bounds a secret's file.
const maxBytes = 64 << 10

// Store holds the secrets of a worker. The zero value and nil have none. It is
// safe for concurrent use.
type Store struct {
	entries map[string]entry
}

type entry struct {
	value string
	file  string   // read at each use, so that a rotated secret takes effect
	hosts []string // lower case; "*.example.com" for all below
	plain bool
}

// Parse reads secrets of the form NAME=env:VARIABLE or NAME=file:PATH, which may
// be followed by ?host=HOST, repeated for each host that jobs may send the
// secret to, and by plain=true to let them do so without TLS. getenv tells a
// variable's value. Errors never repeat a secret's value.
func Parse(specs []string, getenv func(string) string) (*Store, error) {
	s := &Store{entries: map[string]entry{}}
	for _, spec := range specs {
		name, source, found := strings.Cut(spec, "=")
		if !found || name == "" {
			return nil, errors.New("a secret must have the form NAME=env:VARIABLE or NAME=file:PATH")
		}
		if _, twice := s.entries[name]; twice {
			return nil, fmt.Errorf("secret %q is there twice", name)
		}
		e, err := parseEntry(source, getenv)
		if err != nil {
			return nil, fmt.Errorf("secret %q: %w", name, err)
		}
		s.entries[name] = e
	}
	return s, nil
}

func parseEntry(source string, getenv func(string) string) (entry, error) {
	source, parameters, _ := strings.Cut(source, "?")
	var e entry
	query, err := url.ParseQuery(parameters)
	if err != nil {
		return entry{}, errors.New("what follows the question mark is not of the form host=HOST&host=HOST")
	}
	for name, values := range query {
		switch {
		case name == "host" && !slices.Contains(values, ""):
			for _, host := range values {
				e.hosts = append(e.hosts, strings.ToLower(host))
			}
		case name == "plain" && slices.Equal(values, []string{"true"}):
			e.plain = true
		default:
			return entry{}, fmt.Errorf("parameter %q is not known; there are host=HOST and plain=true", name)
		}
	}
	kind, where, _ := strings.Cut(source, ":")
	switch {
	case kind == "env" && where != "":
		if e.value = getenv(where); e.value == "" {
			return entry{}, fmt.Errorf("environment variable %s is not set", where)
		}
		return e, nil
	case kind == "file" && where != "":
		e.file = where
		_, err := e.read()
		return e, err
	default:
		return entry{}, errors.New("must come from env:VARIABLE or file:PATH")
	}
}

func (e entry) read() (string, error) {
	if e.file == "" {
		return e.value, nil
	}
	info, err := os.Stat(e.file)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxBytes {
		return "", fmt.Errorf("%s is not a file of at most %d bytes", e.file, maxBytes)
	}
	text, err := os.ReadFile(e.file)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" {
		return "", fmt.Errorf("%s is empty", e.file)
	}
	return value, nil
}

// UnknownError says that no secret has this name.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("this worker has no secret named %q; add it with the setting \"secret\"", e.Name)
}

// ScopeError says that a secret may not be used towards the host that a job names.
type ScopeError struct{ Name, Host, Reason string }

func (e *ScopeError) Error() string {
	return fmt.Sprintf("secret %q may not be used for %s: %s", e.Name, e.Host, e.Reason)
}

// Value returns a secret for a use that the worker's configuration names. It
// returns [*UnknownError] if there is none of that name.
func (s *Store) Value(name string) (string, error) {
	e, err := s.entry(name)
	if err != nil {
		return "", err
	}
	return e.named(name)
}

// ForSigning returns a secret that signs what a job sends to the address, without
// being sent itself. It returns the errors of [Store.For].
func (s *Store) ForSigning(name string, u *url.URL) (string, error) {
	e, err := s.scoped(name, u)
	if err != nil {
		return "", err
	}
	return e.named(name)
}

// For returns a secret that a job wants to send to the address. It returns
// [*UnknownError], or [*ScopeError] if the secret's hosts do not name the
// address's, or the secret would go over the network without TLS.
func (s *Store) For(name string, u *url.URL) (string, error) {
	e, err := s.scoped(name, u)
	if err != nil {
		return "", err
	}
	if u.Scheme != "https" && !e.plain {
		return "", &ScopeError{name, u.Hostname(), "it would not be encrypted; use https, or let the secret say plain=true"}
	}
	return e.named(name)
}

// scoped finds a secret that jobs may use towards the address.
func (s *Store) scoped(name string, u *url.URL) (entry, error) {
	e, err := s.entry(name)
	if err != nil {
		return entry{}, err
	}
	if !wildcard.Any(e.hosts, strings.ToLower(u.Hostname())) {
		return entry{}, &ScopeError{name, u.Hostname(), "the hosts it is meant for do not include this one"}
	}
	return e, nil
}

func (s *Store) entry(name string) (entry, error) {
	if s == nil {
		return entry{}, &UnknownError{name}
	}
	e, ok := s.entries[name]
	if !ok {
		return entry{}, &UnknownError{name}
	}
	return e, nil
}

func (e entry) named(name string) (string, error) {
	value, err := e.read()
	if err != nil {
		return "", fmt.Errorf("secret %q: %w", name, err)
	}
	return value, nil
}

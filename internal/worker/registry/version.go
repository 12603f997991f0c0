package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// Runner runs one attempt of ctx.Job() and returns its result as JSON.
type Runner interface {
	Run(ctx handler.Context) (json.RawMessage, error)
}

// Set is what one source has to offer.
type Set struct {
	// Source is the file, folder or package that the handlers come from.
	Source string
	// Handlers has at least one entry.
	Handlers []Entry
	// Close frees what the handlers use. It is called once, when no job uses
	// them any more. Nil frees nothing.
	Close func()
}

// Entry is one handler of a set.
type Entry struct {
	Handler catalogue.Handler
	Runner  Runner
}

// Version is a handler as one set brought it.
type Version struct {
	catalogue.Handler
	runner Runner
	data   *catalogue.Schema // nil if the data is free
	set    *liveSet

	running int // guarded by the registry's mu; leases that are out
}

type liveSet struct {
	source   string
	versions map[string]*Version

	// The rest is guarded by the registry's mu.
	close   func()
	users   int
	retired bool
}

// newLiveSet checks a set and compiles its schemas, unless another version had
// the same.
func (r *Registry) newLiveSet(set Set) (*liveSet, error) {
	live := &liveSet{source: set.Source, versions: map[string]*Version{}, close: set.Close}
	if len(set.Handlers) == 0 {
		return nil, errors.New("it defines no handler")
	}
	if live.close == nil {
		live.close = func() {}
	}
	for _, e := range set.Handlers {
		h := e.Handler
		if err := checkName(h.Name); err != nil {
			return nil, err
		}
		if _, twice := live.versions[h.Name]; twice {
			return nil, &DuplicateError{Name: h.Name, Source: set.Source, Existing: "the same source"}
		}
		v := &Version{Handler: h, runner: e.Runner, set: live}
		var err error
		if v.data, err = r.compile(h.DataSchema); err != nil {
			return nil, fmt.Errorf("handler %q: data %w", h.Name, err)
		}
		if _, err = r.compile(h.ResultSchema); err != nil {
			return nil, fmt.Errorf("handler %q: result %w", h.Name, err)
		}
		live.versions[h.Name] = v
	}
	return live, nil
}

// maxNameLength bounds a handler's name, in bytes.
const maxNameLength = 200

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a handler has no name")
	case len(name) > maxNameLength:
		return fmt.Errorf("a handler's name has %d bytes, more than the %d allowed", len(name), maxNameLength)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("handler name %q has control characters", name)
	}
	return nil
}

func (r *Registry) compile(text json.RawMessage) (*catalogue.Schema, error) {
	if text == nil {
		return nil, nil
	}
	return r.schemas.Compile(text)
}

// Lease is a handler's version held for one job.
type Lease struct {
	*Version
	registry *Registry
	once     sync.Once
}

// Release gives the version back. Further calls do nothing.
func (l *Lease) Release() {
	l.once.Do(func() {
		if l.registry.release(l.Version) {
			l.registry.opts.Changed()
		}
	})
}

// Timeout is how long the author allows an attempt, 0 if nothing was said.
func (l *Lease) Timeout() time.Duration {
	if l.Defaults == nil {
		return 0
	}
	return time.Duration(l.Defaults.TimeoutMS) * time.Millisecond
}

// Run checks the job's data against the handler's schema and runs one attempt.
// Data that violates it fails the job for good, with a [*DataError].
func (l *Lease) Run(ctx handler.Context) (json.RawMessage, error) {
	if l.data != nil {
		if found := l.data.Validate(ctx.Job().Data); len(found) > 0 {
			return nil, bullmq.Unrecoverable(&DataError{Handler: l.Name, Violations: found})
		}
	}
	return l.runner.Run(ctx)
}

// DataError says that a job's data violates its handler's schema.
type DataError struct {
	Handler    string
	Violations []catalogue.Violation
}

func (e *DataError) Error() string {
	const shown = 5
	var b strings.Builder
	fmt.Fprintf(&b, "the job's data does not meet the schema of handler %q: ", e.Handler)
	for i, v := range e.Violations {
		if i == shown {
			fmt.Fprintf(&b, " and %d more", len(e.Violations)-shown)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if v.Path != "" {
			b.WriteString(v.Path + " ")
		}
		b.WriteString(v.Message)
	}
	return b.String()
}

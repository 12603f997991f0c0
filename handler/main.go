package handler

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// Must is for handlers that are defined where errors cannot be returned, such as
// in the arguments of [Main]. It panics if err is not nil.
func Must(d *Definition, err error) *Definition {
	if err != nil {
		panic(err)
	}
	return d
}

// Main makes a program of handlers, to be put into a handler directory of a
// worker: as source, a folder with a go.mod or a single file, or built.
//
//	func main() {
//		handler.Main(handler.Must(handler.New("greet", greet, nil)))
//	}
//
// It serves the worker that has started the program until the worker ends it, and
// does not return. Jobs run at once in goroutines of their own. What the program
// prints goes to the worker's log; a job's own log is [Context.Log]. A panic in a
// handler fails its job; one in a goroutine that the handler has started ends the
// program, and fails all of its jobs.
//
// Started by hand, the program says what it is; with --describe it prints its
// handlers as JSON.
func Main(definitions ...*Definition) {
	in, out := os.Stdin, os.Stdout
	// What else is read and printed must not get between the messages.
	os.Stdin, os.Stdout = nil, os.Stderr
	if nothing, err := os.Open(os.DevNull); err == nil {
		os.Stdin = nothing
	}
	os.Exit(serveMain(os.Args[1:], in, out, os.Stderr, definitions))
}

// serveMain is Main, but for the end of the program, whose exit code it returns.
func serveMain(args []string, in *os.File, out, errOut io.Writer, definitions []*Definition) int {
	defs, err := byName(definitions)
	if err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		return 1
	}
	switch {
	case slices.Equal(args, []string{"--describe"}):
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(describeAll(definitions)); err != nil {
			_, _ = fmt.Fprintln(errOut, err)
			return 1
		}
		return 0
	case len(args) > 0 || isTerminal(in):
		_, _ = fmt.Fprintf(errOut, usage, strings.Join(names(definitions), ", "))
		return 2
	}
	s := newServer(definitions, defs)
	if err := s.serve(in, out); err != nil {
		_, _ = fmt.Fprintln(errOut, err)
		return 1
	}
	return 0
}

const usage = `This program has handlers for JobRunner: %s

A worker starts it and speaks with it over stdin and stdout. Put it, or the
folder of its source, into a handler directory of the worker, or try it with

  jobrunner handler run PATH --data '{"some": "data"}'

With --describe it prints its handlers as JSON.
`

// isTerminal reports whether nobody but a person can be at the other end.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func byName(definitions []*Definition) (map[string]*Definition, error) {
	if len(definitions) == 0 {
		return nil, fmt.Errorf("handler.Main needs at least one handler")
	}
	defs := make(map[string]*Definition, len(definitions))
	for _, d := range definitions {
		if d == nil {
			return nil, fmt.Errorf("handler.Main was given a nil handler; did an error of handler.New go unchecked?")
		}
		if defs[d.Name] != nil {
			return nil, fmt.Errorf("handler.Main was given two handlers named %q", d.Name)
		}
		defs[d.Name] = d
	}
	return defs, nil
}

func names(definitions []*Definition) []string {
	list := make([]string, len(definitions))
	for i, d := range definitions {
		list[i] = d.Name
	}
	return list
}

// described is a handler as its worker is told of it.
type described struct {
	Name         string             `json:"name"`
	Version      string             `json:"version"`
	Description  string             `json:"description,omitempty"`
	Author       string             `json:"author,omitempty"`
	DataSchema   json.RawMessage    `json:"dataSchema,omitempty"`
	ResultSchema json.RawMessage    `json:"resultSchema,omitempty"`
	Defaults     *describedDefaults `json:"defaults,omitempty"`
	KeepAlive    bool               `json:"keepAlive,omitempty"`
}

// describedDefaults are [Defaults], with times in milliseconds.
type describedDefaults struct {
	Attempts    int             `json:"attempts,omitempty"`
	Backoff     *bullmq.Backoff `json:"backoff,omitempty"`
	Timeout     int64           `json:"timeout,omitempty"`
	Concurrency int             `json:"concurrency,omitempty"`
}

func describeAll(definitions []*Definition) []described {
	list := make([]described, len(definitions))
	for i, d := range definitions {
		list[i] = described{
			Name: d.Name, Version: d.Version, Description: d.Description, Author: d.Author,
			DataSchema: d.DataSchema, ResultSchema: d.ResultSchema, KeepAlive: d.KeepAlive,
		}
		if d.Defaults != (Defaults{}) {
			list[i].Defaults = &describedDefaults{
				Attempts: d.Defaults.Attempts, Backoff: d.Defaults.Backoff,
				Timeout: d.Defaults.Timeout.Milliseconds(), Concurrency: d.Defaults.Concurrency,
			}
		}
	}
	return list
}

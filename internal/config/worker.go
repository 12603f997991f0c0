package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
)

// workerSection is the key of the file's part that has a shape of its own.
const workerSection = "worker"

// Worker is the part of the file for workers, which says more of queues and
// handlers than flags could. A worker reads it again when the file changes.
type Worker struct {
	// Queues are what to serve, in place of the setting queue.
	Queues []WorkerQueue `yaml:"queues" json:"queues,omitempty"`
	// Handlers are choices for handlers by name, or by a pattern of names.
	Handlers map[string]WorkerHandler `yaml:"handlers" json:"handlers,omitempty"`
}

// WorkerQueue is a queue, or a pattern of queues, that a worker serves.
type WorkerQueue struct {
	// Name is one queue's name, Pattern stands for all that fit, those that come
	// later included. One of the two is given.
	Name    string `yaml:"name" json:"name,omitempty"`
	Pattern string `yaml:"pattern" json:"pattern,omitempty"`
	// Concurrency is how many of its jobs run at once. Defaults to 10.
	Concurrency int `yaml:"concurrency" json:"concurrency,omitempty"`
	// Handlers are the names, or patterns of names, of the handlers whose jobs it
	// runs: a list, or one text. Defaults to all.
	Handlers Names `yaml:"handlers" json:"handlers,omitempty"`
	// RateLimit bounds how many jobs start within a time. Nil sets none.
	RateLimit *WorkerRateLimit `yaml:"rateLimit" json:"rateLimit,omitempty"`
	// Prefix is the queue's key prefix. Defaults to the setting prefix.
	Prefix string `yaml:"prefix" json:"prefix,omitempty"`
}

// WorkerRateLimit is how many jobs may start within a time.
type WorkerRateLimit struct {
	Max int `yaml:"max" json:"max"`
	// Duration is a text such as 1m.
	Duration Duration `yaml:"duration" json:"duration"`
}

// WorkerHandler is an operator's choices for one handler.
type WorkerHandler struct {
	// Disabled has its jobs wait until it is enabled again.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// Concurrency is how many of its jobs run at once over all queues of a worker.
	// 0 leaves it to the author, -1 sets no limit.
	Concurrency int `yaml:"concurrency" json:"concurrency,omitempty"`
	// Timeout is how long an attempt may take. Nil leaves it to the author, 0 sets
	// no limit.
	Timeout *Duration `yaml:"timeout" json:"timeout,omitempty"`
	// Memory bounds the memory of its process, such as 256MB, and CPU its processor
	// time, in cores. 0 leaves them to what the worker gives every handler.
	Memory Size    `yaml:"memory" json:"memory,omitempty"`
	CPU    float64 `yaml:"cpu" json:"cpu,omitempty"`
}

// Names are a list of texts; one text stands for a list of one.
type Names []string

// UnmarshalYAML implements [yaml.Unmarshaler].
func (n *Names) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*n = Names{node.Value}
		return nil
	}
	var list []string
	err := node.Decode(&list)
	*n = list
	return err
}

// Duration is a time such as 30s or 1h30m.
type Duration time.Duration

// UnmarshalYAML implements [yaml.Unmarshaler].
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	value, err := time.ParseDuration(node.Value)
	if err != nil && node.Value != "0" || value < 0 {
		return fmt.Errorf("line %d: %q is no duration such as 30s or 1h30m", node.Line, node.Value)
	}
	*d = Duration(value)
	return nil
}

// MarshalText writes the duration as it is read.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Size is a number of bytes, written with one of the units B, KB, MB and GB,
// which stand for powers of 1024.
type Size int64

// UnmarshalYAML implements [yaml.Unmarshaler].
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	units := []struct {
		name  string
		bytes int64
	}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}}
	text := strings.ToUpper(strings.ReplaceAll(node.Value, " ", ""))
	for _, unit := range units {
		digits, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err == nil && n > 0 && n <= 1<<50/unit.bytes {
			*s = Size(n * unit.bytes)
			return nil
		}
		break
	}
	return fmt.Errorf("line %d: %q is no size such as 256MB or 2GB", node.Line, node.Value)
}

// readWorker reads the file's section for workers, strictly.
func readWorker(text []byte) (Worker, error) {
	var file struct {
		Worker Worker         `yaml:"worker"`
		Others map[string]any `yaml:",inline"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Worker{}, inWords(err)
	}
	return file.Worker, file.Worker.validate()
}

// typeNames says in words what the decoder says in Go.
var typeNames = strings.NewReplacer(
	"cannot unmarshal", "cannot read", " into int", " as a whole number", " into float64", " as a number",
	" into bool", " as true or false", " into string", " as text", " into []string", " as a list of names",
	" into []config.WorkerQueue", " as a list of queues", " into map[string]config.WorkerHandler", " as handlers by name",
	" into config.WorkerQueue", " as a queue", " into config.WorkerHandler", " as a handler's choices",
	" into config.WorkerRateLimit", " as a rate limit", " into config.Worker", " as a list of names and values",
)

// inWords takes the names of Go's types out of an error of the decoder.
func inWords(err error) error {
	failed, ok := errors.AsType[*yaml.TypeError](err)
	if !ok {
		return err
	}
	lines := make([]string, len(failed.Errors))
	for i, line := range failed.Errors {
		if before, _, found := strings.Cut(line, " not found in type "); found {
			line = before + " is not known here"
		}
		lines[i] = typeNames.Replace(line)
	}
	return errors.New(strings.Join(lines, "; "))
}

// validate checks what needs no knowledge of queues. The rest is the worker's to say.
func (w *Worker) validate() error {
	for i, q := range w.Queues {
		place := fmt.Sprintf("worker.queues[%d]", i)
		switch {
		case (q.Name == "") == (q.Pattern == ""):
			return fmt.Errorf("%s: either a name or a pattern is needed", place)
		case wildcard.Is(q.Name):
			return fmt.Errorf("%s: %q is a pattern, so it must stand under pattern, not name", place, q.Name)
		case q.Concurrency < 0:
			return fmt.Errorf("%s: concurrency must be at least 1", place)
		case q.RateLimit != nil && (q.RateLimit.Max < 1 || q.RateLimit.Duration < Duration(time.Millisecond)):
			return fmt.Errorf("%s: a rate limit needs a max of at least 1 and a duration of at least 1ms", place)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Handlers)) {
		h := w.Handlers[name]
		switch {
		case h.Concurrency < -1:
			return fmt.Errorf("worker.handlers.%s: concurrency must be at least 1, or -1 for no limit", name)
		case h.CPU < 0:
			return fmt.Errorf("worker.handlers.%s: cpu must not be negative", name)
		}
	}
	return nil
}

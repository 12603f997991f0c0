package redisd

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

const (
	// tailLines is how much of the child's output an error repeats.
	tailLines = 5
	maxLine   = 1024
)

// output passes the child's output on line by line, and remembers its end: when
// a server refuses to start, the reason is there.
type output struct {
	log *slog.Logger

	mu   sync.Mutex
	rest []byte   // guarded by mu; the last line, not ended yet
	tail []string // guarded by mu
}

// Write takes any piece of the output.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		line, rest, found := bytes.Cut(o.rest, []byte("\n"))
		if !found {
			if len(o.rest) > maxLine {
				o.rest = o.rest[:maxLine]
			}
			return len(p), nil
		}
		o.rest = rest
		text := strings.TrimSpace(string(line))
		if text == "" {
			continue
		}
		o.log.Debug("redis output", slog.String("line", text))
		o.tail = append(o.tail, text)
		o.tail = o.tail[max(0, len(o.tail)-tailLines):]
	}
}

// explain adds the last lines of output to an error; nil means an end without one.
func (o *output) explain(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	said := strings.Join(o.tail, "\n\t")
	switch {
	case err == nil:
		return fmt.Errorf("the server ended by itself; it said last:\n\t%s", said)
	case said == "":
		return err
	default:
		return fmt.Errorf("%w; it said last:\n\t%s", err, said)
	}
}

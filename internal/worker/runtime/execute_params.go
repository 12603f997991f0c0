package runtime

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"sync"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// executeBuffers hold the params of execute requests until they are sent.
var executeBuffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooledBuffer is the largest buffer that is kept for another job.
const maxPooledBuffer = 64 << 10

// encodeExecute calls send with the params of an execute request, valid until
// send returns. It writes the JSON itself, for every job pays for it: what the
// job has as JSON already, its data and state, is passed through as it is.
func encodeExecute(name string, job *handler.Job, state json.RawMessage, send func(params json.RawMessage)) error {
	opts, err := encodeOpts(job)
	if err != nil {
		return err
	}
	buffer := executeBuffers.Get().(*[]byte)
	b := append((*buffer)[:0], `{"handler":`...)
	b = appendText(b, name)
	b = append(b, `,"job":`...)
	b = appendJob(b, job, opts, state)
	b = append(b, '}')
	send(b)
	if cap(b) <= maxPooledBuffer {
		*buffer = b
		executeBuffers.Put(buffer)
	}
	return nil
}

// encodeJob writes a job as one line, for a program that reads it from stdin.
func encodeJob(job *handler.Job, state json.RawMessage) ([]byte, error) {
	opts, err := encodeOpts(job)
	if err != nil {
		return nil, err
	}
	return append(appendJob(nil, job, opts, state), '\n'), nil
}

func appendJob(b []byte, job *handler.Job, opts []byte, state json.RawMessage) []byte {
	b = append(b, `{"id":`...)
	b = appendText(b, job.ID)
	b = append(b, `,"queue":`...)
	b = appendText(b, job.Queue)
	b = append(b, `,"prefix":`...)
	b = appendText(b, job.Prefix)
	b = append(b, `,"name":`...)
	b = appendText(b, job.Name)
	b = append(b, `,"data":`...)
	if len(job.Data) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, linerpc.OneLine(job.Data)...)
	}
	b = append(b, `,"opts":`...)
	b = append(b, opts...)
	for _, field := range [...]struct {
		name  string
		value int64
	}{
		{"attempt", int64(job.Attempt)},
		{"maxAttempts", int64(job.MaxAttempts)},
		{"attemptsStarted", int64(job.AttemptsStarted)},
		{"priority", int64(job.Priority)},
		{"timestamp", job.Timestamp.UnixMilli()},
	} {
		b = append(b, ',', '"')
		b = append(b, field.name...)
		b = append(b, '"', ':')
		b = strconv.AppendInt(b, field.value, 10)
	}
	if job.Parent != nil {
		b = append(b, `,"parent":{"id":`...)
		b = appendText(b, job.Parent.ID)
		b = append(b, `,"queue":`...)
		b = appendText(b, job.Parent.Queue)
		b = append(b, '}')
	}
	if state != nil {
		b = append(b, `,"state":`...)
		b = append(b, linerpc.OneLine(state)...)
	}
	return append(b, '}')
}

// encodeOpts is quick about the jobs that were added without options.
func encodeOpts(job *handler.Job) ([]byte, error) {
	if reflect.ValueOf(&job.Opts).Elem().IsZero() {
		return []byte("{}"), nil
	}
	text, err := linerpc.Encode(job.Opts)
	if err != nil {
		return nil, fmt.Errorf("options of job %s: %w", job.ID, err)
	}
	return text, nil
}

// appendText writes a string as JSON.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := linerpc.Encode(s) // a string always encodes
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

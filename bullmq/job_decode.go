package bullmq

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/internal/jsonvalid"
)

// decodeJob reads a job's hash, given as pairs of field and value. What cannot
// be understood leaves its field zero and is told by decodeErr, so that one
// damaged job stops nobody. The data is yet to be checked.
func decodeJob(b Backend, q QueueRef, id string, fields []rueidis.RedisMessage) *Job {
	j := &Job{ID: id, Queue: q, backend: b}
	for i := 0; i+1 < len(fields); i += 2 {
		name, err := fields[i].ToString()
		if err != nil {
			j.decodeErr = errors.Join(j.decodeErr, err)
			continue
		}
		j.decodeMessage(name, &fields[i+1])
	}
	return j.decoded()
}

// decodeNewJob is decodeJob for the values of [newJobNames].
func decodeNewJob(b Backend, q QueueRef, id string, values []rueidis.RedisMessage) *Job {
	j := &Job{ID: id, Queue: q, backend: b}
	for i := range values {
		j.decodeMessage(newJobNames[i], &values[i])
	}
	return j.decoded()
}

func (j *Job) decodeMessage(name string, value *rueidis.RedisMessage) {
	text, err := value.ToString()
	if err != nil {
		j.decodeErr = errors.Join(j.decodeErr, err)
		return
	}
	j.decode(name, text)
}

// decodeJobMap is decodeJob for a hash that has been read as a map.
func decodeJobMap(b Backend, q QueueRef, id string, hash map[string]string) *Job {
	j := &Job{ID: id, Queue: q, backend: b}
	for name, value := range hash {
		j.decode(name, value)
	}
	return j.decoded()
}

func (j *Job) decode(name, value string) {
	if err := j.decodeField(name, value); err != nil {
		j.decodeErr = errors.Join(j.decodeErr, fmt.Errorf("field %s: %w", name, err))
	}
}

func (j *Job) decoded() *Job {
	if j.Data == nil {
		j.Data = json.RawMessage("{}")
	}
	// Whatever added a job gave it a name and a time.
	if j.Name == "" && j.Timestamp.IsZero() {
		j.decodeErr = errors.Join(j.decodeErr, errors.New("it has no name and no time"))
	}
	return j
}

// checkData makes sure that the data is JSON. It is left to who uses the job, for
// to look through large data takes long: a worker does it where the job runs.
func (j *Job) checkData() {
	if jsonvalid.Valid(j.Data) {
		return
	}
	text, err := decodeRaw(string(j.Data))
	j.Data = text
	j.decodeErr = errors.Join(j.decodeErr, fmt.Errorf("field data: %w", err))
}

// decodeField reads one field of the hash (wire facts §1.4).
func (j *Job) decodeField(name, value string) (err error) {
	switch name {
	case "name":
		j.Name = value
	case "data":
		j.Data = json.RawMessage(value)
	case "opts":
		j.Opts, err = decodeOptions(value)
	case "timestamp":
		j.Timestamp, err = parseMillis(value)
	case "processedOn":
		j.ProcessedOn, err = parseMillis(value)
	case "finishedOn":
		j.FinishedOn, err = parseMillis(value)
	case "delay":
		var ms float64
		ms, err = parseNumber(value)
		j.Delay = millis(ms)
	case "priority":
		j.Priority, err = parseInt(value)
	case "progress":
		j.Progress, err = decodeRaw(value)
	case "returnvalue":
		j.ReturnValue, err = decodeRaw(value)
	case "failedReason":
		j.FailedReason = value
	case "stacktrace":
		err = json.Unmarshal([]byte(value), &j.Stacktrace)
	case "attemptsMade":
		j.AttemptsMade, err = parseInt(value)
	case "atm":
		// The long name, which very old jobs have, goes before the short one.
		if n, e := parseInt(value); e != nil {
			err = e
		} else {
			j.AttemptsMade = max(j.AttemptsMade, n)
		}
	case "ats":
		j.AttemptsStarted, err = parseInt(value)
	case "stc":
		j.StalledCounter, err = parseInt(value)
	case "pb":
		j.ProcessedBy = value
	case "parentKey":
		j.ParentKey = value
	case "parent":
		j.Parent, err = decodeParent(value)
	case "deid":
		j.DeduplicationID = value
	case "rjk":
		j.RepeatJobKey = value
	case "defa":
		j.DeferredFailure = value
	}
	return err
}

// recentOptions is the text of options that was decoded last and what it said.
// Jobs of a queue mostly share their options, so that this spares the work.
var recentOptions atomic.Pointer[decodedOptions]

type decodedOptions struct {
	text string
	opts JobOptions
}

func decodeOptions(text string) (JobOptions, error) {
	if recent := recentOptions.Load(); recent != nil && recent.text == text {
		return recent.opts.clone(), nil
	}
	var opts JobOptions
	if err := json.Unmarshal([]byte(text), &opts); err != nil {
		return JobOptions{}, err
	}
	recentOptions.Store(&decodedOptions{text, opts.clone()})
	return opts, nil
}

func decodeParent(value string) (*ParentRef, error) {
	var link struct {
		ID       string `json:"id"`
		QueueKey string `json:"queueKey"`
	}
	if err := json.Unmarshal([]byte(value), &link); err != nil {
		return nil, err
	}
	return &ParentRef{ID: link.ID, Queue: link.QueueKey}, nil
}

// decodeRaw keeps JSON text as it is. Text that is not JSON is kept as a JSON
// string, so that it can still be looked at.
func decodeRaw(value string) (json.RawMessage, error) {
	if jsonvalid.Valid([]byte(value)) {
		return json.RawMessage(value), nil
	}
	text, err := encodeJSON(value)
	if err != nil {
		return nil, err
	}
	return text, errors.New("not valid JSON")
}

func parseNumber(value string) (float64, error) {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("%q is not a number in range", value)
	}
	return f, nil
}

func parseInt(value string) (int, error) {
	f, err := parseNumber(value)
	return int(math.Floor(f)), err
}

// parseMillis reads epoch milliseconds, which JavaScript may have written with a fraction.
func parseMillis(value string) (time.Time, error) {
	f, err := parseNumber(value)
	if err != nil {
		return time.Time{}, err
	}
	return time.UnixMilli(int64(math.Floor(f))), nil
}

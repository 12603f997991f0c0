package interop

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	keydump "github.com/jobrunner-dev/jobrunner/test/conformance/dump"
)

// jobView is a job as an engine's getters show it, in BullMQ's names.
type jobView struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	State           string         `json:"state"`
	Data            any            `json:"data"`
	Opts            map[string]any `json:"opts"`
	Timestamp       int64          `json:"timestamp"`
	Delay           int64          `json:"delay"`
	Priority        int            `json:"priority"`
	Progress        any            `json:"progress"`
	ReturnValue     any            `json:"returnvalue"`
	FailedReason    string         `json:"failedReason"`
	Stacktrace      []string       `json:"stacktrace"`
	AttemptsMade    int            `json:"attemptsMade"`
	AttemptsStarted int            `json:"attemptsStarted"`
	StalledCounter  int            `json:"stalledCounter"`
	ProcessedOn     int64          `json:"processedOn"`
	FinishedOn      int64          `json:"finishedOn"`
	ProcessedBy     string         `json:"processedBy"`
	ParentKey       string         `json:"parentKey"`
	Parent          map[string]any `json:"parent"`
	RepeatJobKey    string         `json:"repeatJobKey"`
	Logs            []string       `json:"logs"`
}

// normal makes views of the two engines comparable: it leaves out options that
// say no more than their absence, and what Node shows for an absent field.
func (v jobView) normal() jobView {
	keydump.NormalOptions(v.Opts)
	delete(v.Opts, "repeatJobKey") // Node moves it to the job
	if v.Progress == 0.0 {
		v.Progress = nil
	}
	if len(v.Stacktrace) == 0 {
		v.Stacktrace = nil
	}
	if len(v.Logs) == 0 {
		v.Logs = nil
	}
	// A child's policies are repeated in its parent member, as flags.
	v.Parent = nil
	return v
}

// outcome is what is left of a view once all that differs from run to run is
// out: ids, times, and the frames of stack traces.
func (v jobView) outcome() jobView {
	v = v.normal()
	v.ID, v.ParentKey, v.ProcessedBy = "", "", ""
	v.Timestamp, v.ProcessedOn, v.FinishedOn = 0, min(v.ProcessedOn, 1), min(v.FinishedOn, 1)
	delete(v.Opts, "parent")
	delete(v.Opts, "jobId")
	delete(v.Opts, "timestamp")
	stacktrace := v.Stacktrace
	v.Stacktrace = nil
	for _, trace := range stacktrace {
		first, _, _ := strings.Cut(trace, "\n")
		v.Stacktrace = append(v.Stacktrace, first)
	}
	return v
}

// schedulerView is a job scheduler as an engine's getters show it.
type schedulerView struct {
	Key            string        `json:"key"`
	Name           string        `json:"name"`
	Pattern        string        `json:"pattern"`
	Every          int64         `json:"every"`
	TZ             string        `json:"tz"`
	Limit          int           `json:"limit"`
	StartDate      int64         `json:"startDate"`
	EndDate        int64         `json:"endDate"`
	Offset         int64         `json:"offset"`
	Next           int64         `json:"next"`
	IterationCount int           `json:"iterationCount"`
	Template       *templateView `json:"template"`
}

type templateView struct {
	Data any            `json:"data"`
	Opts map[string]any `json:"opts"`
}

// dependenciesView is a parent's children.
type dependenciesView struct {
	Processed   map[string]any    `json:"processed"`
	Unprocessed []string          `json:"unprocessed"`
	Ignored     map[string]string `json:"ignored"`
	Failed      []string          `json:"failed"`
}

// normal sorts what has no order and leaves out empty parts.
func (v dependenciesView) normal() dependenciesView {
	slices.Sort(v.Unprocessed)
	slices.Sort(v.Failed)
	if len(v.Processed) == 0 {
		v.Processed = nil
	}
	if len(v.Ignored) == 0 {
		v.Ignored = nil
	}
	if len(v.Unprocessed) == 0 {
		v.Unprocessed = nil
	}
	if len(v.Failed) == 0 {
		v.Failed = nil
	}
	return v
}

// withoutPrefix writes the queues' prefix as "{prefix}" in all of v's texts, so
// that what two prefixes hold can be compared.
func withoutPrefix[T any](v T, prefix string) (T, error) {
	var w T
	text, err := json.Marshal(v)
	if err != nil {
		return w, err
	}
	text = bytes.ReplaceAll(text, []byte(prefix+":"), []byte("{prefix}:"))
	return w, json.Unmarshal(text, &w)
}

// eventView is an event with its fields, as npm bullmq hands it out.
type eventView map[string]any

// decode reads JSON as Node would see it.
func decode(text []byte) any {
	if len(text) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return "invalid JSON: " + string(text)
	}
	return v
}

package bullmq

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// MaxPriority is the largest priority value, and so the least urgent one.
const MaxPriority = 2097151

// JobOptions says how one job is to be run. The zero value is a job that runs
// as soon as a worker is free, once, and stays in Redis afterwards.
//
// In JSON it has the form of BullMQ's JobsOptions: times in milliseconds, ages
// in seconds. Members this engine does not know are kept in Extra.
type JobOptions struct {
	// ID is the job's id. Empty takes the next number of the queue's counter. It
	// must not be an integer, begin with "0:", or contain a colon, unless it has
	// exactly two. A job whose id exists already is not added again.
	ID string
	// Delay is how long the job waits before it may run, in whole milliseconds.
	Delay time.Duration
	// Priority orders jobs: 1 runs first, MaxPriority last, and 0, the default,
	// runs before all of them.
	Priority int
	// LIFO puts the job in front of those that wait. It is ignored with a priority.
	LIFO bool
	// Attempts is how often the job is tried in all. 0 means once.
	Attempts int
	// Backoff is the pause before a further attempt. Nil retries at once.
	Backoff *Backoff
	// RemoveOnComplete says how long completed jobs are kept. Nil leaves it to
	// the worker, whose default is to keep them.
	RemoveOnComplete *Keep
	// RemoveOnFail is RemoveOnComplete for failed jobs.
	RemoveOnFail *Keep
	// KeepLogs is how many log lines are kept, the newest. 0 keeps all.
	KeepLogs int
	// StackTraceLimit is how many stack traces are kept, the newest. Nil keeps all.
	StackTraceLimit *int
	// SizeLimit is the largest size of the job's data as JSON, in bytes. 0 means no limit.
	SizeLimit int
	// Timestamp is when the job counts as created. Zero means now.
	Timestamp time.Time
	// Parent hangs the job under an existing parent.
	Parent *ParentRef
	// FailParentOnFailure fails the parent when this job fails.
	FailParentOnFailure bool
	// ContinueParentOnFailure lets the parent run as soon as this job fails.
	ContinueParentOnFailure bool
	// IgnoreDependencyOnFailure counts this job's failure as done and stores its reason with the parent.
	IgnoreDependencyOnFailure bool
	// RemoveDependencyOnFailure counts this job's failure as done.
	RemoveDependencyOnFailure bool
	// Deduplication lets the job be added only if no other job has the same
	// deduplication id. Nil adds it in any case.
	Deduplication *Deduplication
	// Telemetry is what the job carries of its producer's trace. Nil is nothing.
	Telemetry *TelemetryOptions
	// Repeat describes the schedule of a scheduler's job. It is written by
	// schedulers only.
	Repeat *RepeatOptions
	// Extra holds the members that have no field here, by their name in JSON.
	Extra map[string]json.RawMessage
}

// ParentRef names the parent of a job.
type ParentRef struct {
	// ID is the parent's job id.
	ID string `json:"id"`
	// Queue is the parent's qualified queue name, "<prefix>:<name>".
	Queue string `json:"queue"`
}

// BackoffType names a way to compute the pause before a further attempt.
type BackoffType string

// The backoff types that BullMQ has built in.
const (
	// BackoffFixed waits Delay each time.
	BackoffFixed BackoffType = "fixed"
	// BackoffExponential waits Delay, then twice, four times Delay and so on.
	BackoffExponential BackoffType = "exponential"
)

// Backoff is the pause before a further attempt.
type Backoff struct {
	Type  BackoffType
	Delay time.Duration
	// Jitter, from 0 to 1, is the part of the pause that is random.
	Jitter float64
}

type backoffJSON struct {
	Type   BackoffType `json:"type"`
	Delay  float64     `json:"delay,omitempty"`
	Jitter float64     `json:"jitter,omitempty"`
}

// MarshalJSON writes BullMQ's form, with the delay in milliseconds.
func (b Backoff) MarshalJSON() ([]byte, error) {
	return json.Marshal(backoffJSON{b.Type, float64(b.Delay.Milliseconds()), b.Jitter})
}

// UnmarshalJSON reads BullMQ's forms: an object, or a number of milliseconds,
// which stands for a fixed backoff.
func (b *Backoff) UnmarshalJSON(text []byte) error {
	var ms float64
	if err := json.Unmarshal(text, &ms); err == nil {
		*b = Backoff{Type: BackoffFixed, Delay: millis(ms)}
		return nil
	}
	var v backoffJSON
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*b = Backoff{v.Type, millis(v.Delay), v.Jitter}
	return nil
}

// Keep says how many finished jobs, and for how long, stay in Redis.
type Keep struct {
	// Count is how many of the newest are kept: 0 none, -1 all.
	Count int
	// Age is how long a job is kept, in whole seconds. 0 means no limit by age.
	Age time.Duration
	// Limit is how many jobs one finish removes by age at most. 0 means 1000.
	Limit int
}

// KeepAll keeps every finished job.
func KeepAll() *Keep { return &Keep{Count: -1} }

// KeepNone removes a job as soon as it has finished.
func KeepNone() *Keep { return &Keep{} }

// KeepLast keeps the newest n finished jobs.
func KeepLast(n int) *Keep { return &Keep{Count: n} }

// KeepFor keeps finished jobs for a time.
func KeepFor(age time.Duration) *Keep { return &Keep{Count: -1, Age: age} }

type keepJSON struct {
	Count *int    `json:"count,omitempty"`
	Age   float64 `json:"age,omitempty"`
	Limit int     `json:"limit,omitempty"`
}

// MarshalJSON writes the shortest of BullMQ's forms: true to remove at once,
// false to keep all, a count, or an object.
func (k Keep) MarshalJSON() ([]byte, error) {
	switch {
	case k.Age > 0 || k.Limit > 0:
		v := keepJSON{Age: math.Floor(k.Age.Seconds()), Limit: k.Limit}
		if k.Count >= 0 {
			v.Count = &k.Count
		}
		return json.Marshal(v)
	case k.Count == 0:
		return []byte("true"), nil
	case k.Count < 0:
		return []byte("false"), nil
	default:
		return strconv.AppendInt(nil, int64(k.Count), 10), nil
	}
}

// UnmarshalJSON reads all of BullMQ's forms.
func (k *Keep) UnmarshalJSON(text []byte) error {
	var remove bool
	if err := json.Unmarshal(text, &remove); err == nil {
		*k = Keep{Count: -1}
		if remove {
			k.Count = 0
		}
		return nil
	}
	if n, err := jsonNumber(text); err == nil {
		*k = Keep{Count: int(n)}
		return nil
	}
	var v keepJSON
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*k = Keep{Count: -1, Age: time.Duration(v.Age * float64(time.Second)), Limit: v.Limit}
	if v.Count != nil {
		k.Count = *v.Count
	}
	return nil
}

// millis converts milliseconds. The whole ones go by integers, for a float
// cannot hold the nanoseconds of more than 104 days exactly.
func millis(ms float64) time.Duration {
	switch {
	case math.IsNaN(ms):
		return 0
	case ms > math.MaxInt64/1e6:
		return math.MaxInt64
	default:
		whole, part := math.Modf(ms)
		return time.Duration(whole)*time.Millisecond + time.Duration(part*float64(time.Millisecond))
	}
}

// validate refuses what BullMQ refuses, in its words and order (wire facts §2.3).
func (o *JobOptions) validate(name string, data []byte) error {
	if o.ID == "0" || strings.HasPrefix(o.ID, "0:") {
		return invalid("jobId", "JobId cannot be '0' or start with '0:'")
	}
	if isIntegerText(o.ID) {
		return invalid("jobId", "Custom Id cannot be integers")
	}
	if n := strings.Count(o.ID, ":"); n > 0 && n != 2 {
		return invalid("jobId", "Custom Id cannot contain :")
	}
	if o.ID != "" && !canBeJobID(o.ID) {
		return invalid("jobId", "Custom Id cannot be the name of a key of the queue: %s", o.ID)
	}
	if o.SizeLimit > 0 && len(data) > o.SizeLimit {
		return invalid("sizeLimit", "The size of job %s exceeds the limit %d bytes", name, o.SizeLimit)
	}
	return o.validateShape()
}

// validateShape checks the options that do not depend on the job's id or data.
func (o *JobOptions) validateShape() error {
	if o.Priority < 0 || o.Priority > MaxPriority {
		return invalid("priority", "Priority should be between 0 and %d", MaxPriority)
	}
	if o.Delay < 0 {
		return invalid("delay", "Delay should not be negative")
	}
	if o.Attempts < 0 {
		return invalid("attempts", "Attempts should not be negative")
	}
	if b := o.Backoff; b != nil {
		if b.Jitter < 0 || b.Jitter > 1 {
			return invalid("backoff", "Jitter should be between 0 and 1")
		}
		if b.Delay < 0 {
			return invalid("backoff", "Backoff delay should not be negative")
		}
	}
	if o.Extra["debounce"] != nil {
		return invalid("debounce", "Debounce option has been removed. Use deduplication option instead")
	}
	if err := o.Deduplication.validate(o.Parent); err != nil {
		return err
	}
	return o.validatePolicies()
}

// validatePolicies checks what a child's failure is to mean for its parent.
func (o *JobOptions) validatePolicies() error {
	var policies []string
	for _, p := range []struct {
		name string
		set  bool
	}{
		{"removeDependencyOnFailure", o.RemoveDependencyOnFailure},
		{"failParentOnFailure", o.FailParentOnFailure},
		{"continueParentOnFailure", o.ContinueParentOnFailure},
		{"ignoreDependencyOnFailure", o.IgnoreDependencyOnFailure},
	} {
		if p.set {
			policies = append(policies, p.name)
		}
	}
	if len(policies) > 1 {
		return invalid(policies[0], "The following options cannot be used together: %s", strings.Join(policies, ", "))
	}
	return nil
}

func isIntegerText(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

package bullmq

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"time"
)

// optionNames pairs the names that options have in JSON with the short ones
// that the stored form uses (wire facts §2.1).
var optionNames = map[string]string{
	"deduplication":             "de",
	"failParentOnFailure":       "fpof",
	"continueParentOnFailure":   "cpof",
	"ignoreDependencyOnFailure": "idof",
	"removeDependencyOnFailure": "rdof",
	"keepLogs":                  "kl",
}

var storedOptionNames = func() map[string]string {
	m := make(map[string]string, len(optionNames))
	for long, short := range optionNames {
		m[short] = long
	}
	return m
}()

// optionsForm is one of the ways in which options are written.
type optionsForm int

const (
	// publicForm has the names of BullMQ's JobsOptions.
	publicForm optionsForm = iota
	// storedForm has the short names and leaves out what is unset.
	storedForm
	// jobForm is storedForm with the attempts that a job always says.
	jobForm
)

// MarshalJSON writes the options in the form of BullMQ's JobsOptions.
func (o JobOptions) MarshalJSON() ([]byte, error) { return o.encode(publicForm) }

func (o *JobOptions) encode(form optionsForm) ([]byte, error) {
	members := make(map[string]any, 4+len(o.Extra))
	put := func(name string, set bool, value any) {
		if !set {
			return
		}
		if short, ok := optionNames[name]; ok && form != publicForm {
			name = short
		}
		members[name] = value
	}
	for name, value := range o.Extra {
		put(name, true, value)
	}
	put("attempts", form == jobForm || o.Attempts != 0, o.Attempts)
	put("delay", o.Delay != 0, o.Delay.Milliseconds())
	put("priority", o.Priority != 0, o.Priority)
	put("lifo", o.LIFO, true)
	put("jobId", o.ID != "", o.ID)
	put("backoff", o.Backoff != nil, o.Backoff)
	put("removeOnComplete", o.RemoveOnComplete != nil, o.RemoveOnComplete)
	put("removeOnFail", o.RemoveOnFail != nil, o.RemoveOnFail)
	put("keepLogs", o.KeepLogs != 0, o.KeepLogs)
	put("stackTraceLimit", o.StackTraceLimit != nil, o.StackTraceLimit)
	put("sizeLimit", o.SizeLimit != 0, o.SizeLimit)
	put("timestamp", !o.Timestamp.IsZero(), o.Timestamp.UnixMilli())
	put("parent", o.Parent != nil, o.Parent)
	put("failParentOnFailure", o.FailParentOnFailure, true)
	put("continueParentOnFailure", o.ContinueParentOnFailure, true)
	put("ignoreDependencyOnFailure", o.IgnoreDependencyOnFailure, true)
	put("removeDependencyOnFailure", o.RemoveDependencyOnFailure, true)
	put("deduplication", o.Deduplication != nil, o.Deduplication)
	o.putTelemetry(put, form)
	put("repeat", o.Repeat != nil, o.Repeat)
	return encodeJSON(members)
}

// putTelemetry writes what the public form has as one member and the stored one
// as two.
func (o *JobOptions) putTelemetry(put func(string, bool, any), form optionsForm) {
	t := o.Telemetry
	switch {
	case t == nil:
	case form == publicForm:
		put("telemetry", true, telemetryJSON{jsonMetadata(t.Metadata), t.OmitContext})
	default:
		put("tm", t.Metadata != "", t.Metadata)
		put("omc", t.OmitContext, true)
	}
}

type telemetryJSON struct {
	Metadata    jsonMetadata `json:"metadata,omitempty"`
	OmitContext bool         `json:"omitContext,omitempty"`
}

// jsonMetadata is text for which Node writes false where there is none.
type jsonMetadata string

func (m *jsonMetadata) UnmarshalJSON(text []byte) error {
	*m = ""
	if string(text) == "false" {
		return nil
	}
	return json.Unmarshal(text, (*string)(m))
}

// UnmarshalJSON reads BullMQ's members.
func (t *TelemetryOptions) UnmarshalJSON(text []byte) error {
	var v telemetryJSON
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	*t = TelemetryOptions{string(v.Metadata), v.OmitContext}
	return nil
}

func (o *JobOptions) telemetry() *TelemetryOptions {
	if o.Telemetry == nil {
		o.Telemetry = &TelemetryOptions{}
	}
	return o.Telemetry
}

// UnmarshalJSON reads BullMQ's JobsOptions, with long or stored names. A member
// of the wrong type is an error that names it; unknown members go to Extra.
func (o *JobOptions) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	*o = JobOptions{}
	for name, raw := range members {
		if string(raw) == "null" {
			continue
		}
		if long, ok := storedOptionNames[name]; ok {
			name = long
		}
		target := o.field(name)
		if target == nil {
			if o.Extra == nil {
				o.Extra = map[string]json.RawMessage{}
			}
			o.Extra[name] = raw
			continue
		}
		if err := json.Unmarshal(raw, target); err != nil {
			return invalid(name, "%s: %v", name, describeJSONError(err))
		}
	}
	return nil
}

// field returns where the member of this name is decoded to, nil if it is unknown.
func (o *JobOptions) field(name string) any {
	switch name {
	case "attempts":
		return (*jsonInt)(&o.Attempts)
	case "delay":
		return (*jsonMillis)(&o.Delay)
	case "priority":
		return (*jsonPriority)(&o.Priority)
	case "lifo":
		return &o.LIFO
	case "jobId":
		return &o.ID
	case "backoff":
		return &o.Backoff
	case "removeOnComplete":
		return &o.RemoveOnComplete
	case "removeOnFail":
		return &o.RemoveOnFail
	case "keepLogs":
		return (*jsonInt)(&o.KeepLogs)
	case "stackTraceLimit":
		return &o.StackTraceLimit
	case "sizeLimit":
		return (*jsonInt)(&o.SizeLimit)
	case "timestamp":
		return (*jsonEpoch)(&o.Timestamp)
	case "parent":
		return &o.Parent
	case "failParentOnFailure":
		return &o.FailParentOnFailure
	case "continueParentOnFailure":
		return &o.ContinueParentOnFailure
	case "ignoreDependencyOnFailure":
		return &o.IgnoreDependencyOnFailure
	case "removeDependencyOnFailure":
		return &o.RemoveDependencyOnFailure
	case "deduplication":
		return &o.Deduplication
	case "telemetry":
		return o.telemetry()
	case "tm":
		return (*jsonMetadata)(&o.telemetry().Metadata)
	case "omc":
		return &o.telemetry().OmitContext
	case "repeat":
		return &o.Repeat
	default:
		return nil
	}
}

// clone copies the options so that no change of the copy shows in the original.
func (o *JobOptions) clone() JobOptions {
	if o == nil {
		return JobOptions{}
	}
	c := *o
	c.Backoff = clonePointer(o.Backoff)
	c.RemoveOnComplete = clonePointer(o.RemoveOnComplete)
	c.RemoveOnFail = clonePointer(o.RemoveOnFail)
	c.StackTraceLimit = clonePointer(o.StackTraceLimit)
	c.Parent = clonePointer(o.Parent)
	c.Repeat = clonePointer(o.Repeat)
	c.Deduplication = clonePointer(o.Deduplication)
	c.Telemetry = clonePointer(o.Telemetry)
	c.Extra = maps.Clone(o.Extra)
	return c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// withDefaults fills what o leaves unset from the queue's defaults.
func (o *JobOptions) withDefaults(d *JobOptions) JobOptions {
	out := o.clone()
	if d == nil {
		return out
	}
	if out.Delay == 0 {
		out.Delay = d.Delay
	}
	if out.Priority == 0 {
		out.Priority = d.Priority
	}
	out.LIFO = out.LIFO || d.LIFO
	if out.Attempts == 0 {
		out.Attempts = d.Attempts
	}
	if out.Backoff == nil {
		out.Backoff = d.Backoff
	}
	if out.RemoveOnComplete == nil {
		out.RemoveOnComplete = d.RemoveOnComplete
	}
	if out.RemoveOnFail == nil {
		out.RemoveOnFail = d.RemoveOnFail
	}
	if out.KeepLogs == 0 {
		out.KeepLogs = d.KeepLogs
	}
	if out.StackTraceLimit == nil {
		out.StackTraceLimit = d.StackTraceLimit
	}
	if out.SizeLimit == 0 {
		out.SizeLimit = d.SizeLimit
	}
	if out.Deduplication == nil {
		out.Deduplication = clonePointer(d.Deduplication)
	}
	return out
}

// The numeric types read JSON numbers that JavaScript may have written as
// floats.
type (
	jsonInt      int
	jsonPriority int
	jsonMillis   time.Duration
	jsonEpoch    time.Time
)

func (v *jsonInt) UnmarshalJSON(text []byte) error {
	f, err := jsonNumber(text)
	*v = jsonInt(f)
	return err
}

func (v *jsonPriority) UnmarshalJSON(text []byte) error {
	f, err := jsonNumber(text)
	if err == nil && f != math.Trunc(f) {
		return invalid("priority", "Priority should not be float")
	}
	*v = jsonPriority(f)
	return err
}

func (v *jsonMillis) UnmarshalJSON(text []byte) error {
	f, err := jsonNumber(text)
	*v = jsonMillis(millis(f))
	return err
}

func (v *jsonEpoch) UnmarshalJSON(text []byte) error {
	f, err := jsonNumber(text)
	*v = jsonEpoch(time.UnixMilli(int64(f)))
	return err
}

func jsonNumber(text []byte) (float64, error) {
	var f float64
	if err := json.Unmarshal(text, &f); err != nil {
		return 0, fmt.Errorf("expected a number, got %s", text)
	}
	if math.Abs(f) > 1<<53 {
		return 0, fmt.Errorf("number %s is out of range", text)
	}
	return f, nil
}

func describeJSONError(err error) string {
	if t, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // json.Unmarshal returns it unwrapped
		return fmt.Sprintf("expected %s, got %s", t.Type, t.Value)
	}
	return err.Error()
}

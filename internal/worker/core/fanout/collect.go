package fanout

import (
	"encoding/json"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// outcome is what became of a child. The zero value has not ended.
type outcome struct {
	ended  bool
	value  json.RawMessage // nil if it failed
	reason string
}

// outcomes are the children's, by their index.
type outcomes []outcome

// collect reads which children have ended. Results count in whatever run they
// came about; failures only in this one, so that a job that is tried again after
// it had failed tries those again.
func collect(ctx handler.Context, p *plan, run string) (outcomes, error) {
	list := make(outcomes, len(p.batches))
	failed, err := ctx.FailedChildren()
	if err != nil {
		return nil, err
	}
	for key, reason := range failed {
		if from, i, ours := p.origin(key); ours && from == run {
			list[i] = outcome{ended: true, reason: reason}
		}
	}
	values, err := ctx.ChildrenValues()
	if err != nil {
		return nil, err
	}
	for key, value := range values {
		if _, i, ours := p.origin(key); ours {
			if len(value) == 0 {
				value = json.RawMessage("null")
			}
			list[i] = outcome{ended: true, value: value}
		}
	}
	return list, nil
}

// judge tells whether the failures so far fail the job.
func (o outcomes) judge(in Data) error {
	var first *ChildError
	failed, pending := 0, 0
	for i, child := range o {
		switch {
		case !child.ended:
			pending++
		case child.value == nil:
			failed++
			if first == nil {
				first = &ChildError{i, child.reason}
			}
		}
	}
	switch {
	case first == nil || in.OnFailure == Ignore:
		return nil
	case in.OnFailure != Count:
		return first
	case pending == 0 && failed > in.MaxFailures:
		return &FailuresError{Failed: failed, Children: len(o), Allowed: in.MaxFailures, First: first.Reason}
	default:
		return nil
	}
}

// result sums the outcomes up.
func (o outcomes) result(in Data, limit int) *Result {
	r := &Result{Children: len(o)}
	size := 0
	values := make([]json.RawMessage, len(o))
	for i, child := range o {
		values[i] = json.RawMessage("null")
		if child.value == nil {
			r.Failed++
			if len(r.Failures) < maxFailures {
				r.Failures = append(r.Failures, Failure{Index: i, Reason: child.reason})
			}
			continue
		}
		r.Completed++
		values[i] = child.value
		size += len(child.value)
	}
	switch {
	case in.NoResults:
	case size > limit:
		r.Omitted = true
	default:
		r.Results = values
	}
	return r
}

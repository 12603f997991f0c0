package fanout

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/identity"
)

// reserved are the options of children that this handler decides.
var reserved = []string{
	"jobId", "parent", "repeat", "deduplication",
	"failParentOnFailure", "continueParentOnFailure", "ignoreDependencyOnFailure", "removeDependencyOnFailure",
}

// plan is a job that was checked.
type plan struct {
	child    Child
	opts     bullmq.JobOptions
	template template
	batches  []batch
	// ids begin the ids of all children that this job ever adds, and of no others.
	ids string
}

func (f *fanner) plan(job *handler.Job, in Data) (*plan, error) {
	if len(in.Items) > f.opts.MaxItems {
		return nil, fmt.Errorf("there are %d items, more than the %d allowed", len(in.Items), f.opts.MaxItems)
	}
	if in.Child.Name == name {
		return nil, errors.New("child: a fan-out of fan-outs could grow without end; add the items themselves")
	}
	if q := in.Child.Queue; q != "" && q != job.Queue && !wildcard.Any(f.opts.Queues, q) {
		return nil, fmt.Errorf("child: this worker's fan-out does not add to queue %q; allow it with the setting \"fan-out-queue\"", q)
	}
	p := &plan{child: in.Child, ids: name + "-" + identity.Of(job)[:16] + "-"}
	var err error
	if p.opts, err = childOptions(in); err != nil {
		return nil, err
	}
	if p.template, err = parseTemplate(in.Child.Data); err != nil {
		return nil, fmt.Errorf("child: data: %w", err)
	}
	size := max(in.BatchSize, 1)
	for items := range slices.Chunk(in.Items, size) {
		p.batches = append(p.batches, batch{index: len(p.batches), items: items, whole: size > 1})
	}
	return p, p.checkSize(f.opts.MaxBytes)
}

// checkSize fills the template for every child once, so that nothing is added
// if one of them cannot be.
func (p *plan) checkSize(limit int) error {
	total := 0
	for _, b := range p.batches {
		data, err := p.template.fill(b)
		if err != nil {
			return fmt.Errorf("child: data: %w", err)
		}
		if total += len(data); total > limit {
			return fmt.Errorf("the children's data has more than the %d bytes allowed", limit)
		}
	}
	return nil
}

// childOptions are the template's, with what a failure means.
func childOptions(in Data) (bullmq.JobOptions, error) {
	var opts bullmq.JobOptions
	for _, member := range slices.Sorted(maps.Keys(in.Child.Opts)) {
		if slices.Contains(reserved, member) {
			return opts, fmt.Errorf("child: opts: %q is for fan-out to decide", member)
		}
	}
	if in.Child.Opts != nil {
		text, err := json.Marshal(in.Child.Opts)
		if err == nil {
			err = json.Unmarshal(text, &opts)
		}
		if err != nil {
			return opts, fmt.Errorf("child: opts: %w", err)
		}
	}
	if in.OnFailure == Ignore || in.OnFailure == Count {
		opts.IgnoreDependencyOnFailure = true
	} else {
		// The job goes on at once and fails by itself, with a reason that helps. Were
		// it failed by the child, it could not be tried again before the child was.
		opts.ContinueParentOnFailure = true
	}
	return opts, nil
}

// job is the child of a batch in a run.
func (p *plan) job(b batch, run string) (handler.NewJob, error) {
	data, err := p.template.fill(b)
	opts := p.opts
	opts.ID = p.ids + run + "-" + strconv.Itoa(b.index)
	return handler.NewJob{Name: p.child.Name, Queue: p.child.Queue, Data: data, Opts: &opts}, err
}

// origin tells in which run, and for which batch, a child was added, by its job key.
func (p *plan) origin(key string) (run string, index int, ours bool) {
	id := key[strings.LastIndexByte(key, ':')+1:]
	rest, ours := strings.CutPrefix(id, p.ids)
	if !ours {
		return "", 0, false
	}
	run, text, _ := strings.Cut(rest, "-")
	index, err := strconv.Atoi(text)
	return run, index, err == nil && 0 <= index && index < len(p.batches)
}

package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/linerpc"
)

// remoteContext is the [Context] of a job whose worker is another process.
type remoteContext struct {
	context.Context
	peer *linerpc.Peer
	call int64
	job  *Job
	// settled says that the handler has returned.
	settled atomic.Bool

	mu    sync.Mutex
	state json.RawMessage // guarded by mu
}

var _ Context = (*remoteContext)(nil)

// callParams are the parameters of all that is said about a running job.
type callParams struct {
	Call  int64           `json:"call"`
	Value json.RawMessage `json:"value,omitempty"`
	Line  string          `json:"line,omitempty"`
	Jobs  []NewJob        `json:"jobs,omitempty"`
}

var errJobOver = errors.New("the job is over: the handler has returned")

func (c *remoteContext) Job() *Job { return c.job }

func (c *remoteContext) Progress(value any) {
	text, err := linerpc.Encode(value)
	if err != nil {
		c.Logf("progress was not stored: %v", err)
		return
	}
	c.notify("progress", callParams{Call: c.call, Value: text})
}

func (c *remoteContext) Log(line string) { c.notify("log", callParams{Call: c.call, Line: line}) }

func (c *remoteContext) Logf(format string, args ...any) { c.Log(fmt.Sprintf(format, args...)) }

func (c *remoteContext) ChildrenValues() (values map[string]json.RawMessage, err error) {
	err = c.ask("childrenValues", callParams{}, &values)
	return values, err
}

func (c *remoteContext) FailedChildren() (reasons map[string]string, err error) {
	err = c.ask("failedChildren", callParams{}, &reasons)
	return reasons, err
}

func (c *remoteContext) Dependencies() (counts bullmq.DependencyCounts, err error) {
	err = c.ask("dependencies", callParams{}, &counts)
	return counts, err
}

func (c *remoteContext) AddChildren(jobs ...NewJob) (added []AddedJob, err error) {
	err = c.ask("addChildren", callParams{Jobs: jobs}, &added)
	return added, err
}

func (c *remoteContext) AddJobs(jobs ...NewJob) (added []AddedJob, err error) {
	err = c.ask("addJobs", callParams{Jobs: jobs}, &added)
	return added, err
}

func (c *remoteContext) State() (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, nil
}

func (c *remoteContext) SaveState(value any) error {
	text, err := linerpc.Encode(value)
	if err != nil {
		return fmt.Errorf("the job's state was not saved: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ask("saveState", callParams{Value: text}, nil); err != nil {
		return err
	}
	c.state = text
	return nil
}

func (c *remoteContext) UpdateData(value any) error {
	text, err := linerpc.Encode(value)
	if err != nil {
		return fmt.Errorf("the job's data was not updated: %w", err)
	}
	return c.ask("updateData", callParams{Value: text}, nil)
}

func (c *remoteContext) notify(method string, params callParams) {
	if !c.settled.Load() {
		c.peer.Notify(method, params)
	}
}

// ask asks the worker and reads its answer into result, if that is not nil.
func (c *remoteContext) ask(method string, params callParams, result any) error {
	if c.settled.Load() {
		return errJobOver
	}
	params.Call = c.call
	text, err := c.peer.Ask(c, method, params)
	if rpc, ok := errors.AsType[*linerpc.Error](err); ok {
		return errors.New(rpc.Message)
	}
	if err != nil || result == nil {
		return err
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("the worker's answer to %s cannot be read: %w", method, err)
	}
	return nil
}

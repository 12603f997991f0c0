package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
)

const (
	queueName = "bench"
	jobName   = "noop"
)

// payload fills a job's data up to about 100 bytes.
var payload = strings.Repeat("x", 74)

// jobData is the data of every job, whichever engine carries it.
type jobData struct {
	Index   int    `json:"index"`
	Payload string `json:"payload"`
}

// errNotOffered says that an engine has no such operation.
var errNotOffered = errors.New("not offered")

// engine is one subject of the comparison.
type engine interface {
	name() string
	// version names the release that was measured.
	version() string
	// add adds jobs one by one from a number of producers at once.
	add(ctx context.Context, jobs, producers int) error
	// addBulk adds jobs in calls of size each.
	addBulk(ctx context.Context, jobs, size int) error
	// startWorker begins to process all jobs with a handler that only counts them.
	startWorker(ctx context.Context, jobs, concurrency int) (drain, error)
	// finished returns how many jobs are stored as done.
	finished(ctx context.Context) (int, error)
	close() error
}

// drain is a worker at work.
type drain interface {
	// stop ends the worker and says what it was given.
	stop() (delivery, error)
}

// delivery counts what is not as it should be: each job is handled exactly once.
type delivery struct {
	Lost     int `json:"lost"`
	Repeated int `json:"repeated"`
}

// tally counts how often each job was handled.
type tally []atomic.Int32

// record counts the job with this data.
func (t tally) record(data []byte) error {
	var d jobData
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	t[d.Index].Add(1)
	return nil
}

func (t tally) delivery() delivery {
	var d delivery
	for i := range t {
		switch n := t[i].Load(); {
		case n == 0:
			d.Lost++
		case n > 1:
			d.Repeated++
		}
	}
	return d
}

package main

import (
	"errors"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// replyError is a failure as the client sees it.
type replyError struct {
	// Code is BullMQ's number for the condition, 0 if it has none.
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// errorCodes are BullMQ's result codes (wire facts, "result codes").
var errorCodes = []struct {
	err  error
	code int
}{
	{bullmq.ErrJobNotFound, -1},
	{bullmq.ErrLockMissing, -2},
	{bullmq.ErrNotInState, -3},
	{bullmq.ErrPendingDependencies, -4},
	{bullmq.ErrParentNotFound, -5},
	{bullmq.ErrLockMismatch, -6},
	{bullmq.ErrParentReplaced, -7},
	{bullmq.ErrJobBelongsToScheduler, -8},
	{bullmq.ErrFailedChildren, -9},
	{bullmq.ErrSchedulerSlotTaken, -10},
	{errSlotsTaken, -11},
}

func describe(err error) *replyError {
	if err == nil {
		return nil
	}
	r := &replyError{Message: err.Error()}
	for _, c := range errorCodes {
		if errors.Is(err, c.err) {
			r.Code = c.code
			break
		}
	}
	return r
}

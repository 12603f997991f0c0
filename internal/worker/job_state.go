package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"time"
	"weak"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// jobStates keeps what handlers save between the attempts of a job. It lies
// under JobRunner's own keys: BullMQ's are not for others to add to.
type jobStates struct {
	client rueidis.Client
	log    *slog.Logger

	mu sync.Mutex
	// held are the running jobs that have a state, so that the end of one without
	// costs nothing. A job that is put back is dropped with its last reference.
	held     map[weak.Pointer[bullmq.Job]]struct{} // guarded by mu
	outdated []string                              // guarded by mu; keys to be deleted
	deleting bool                                  // guarded by mu; a goroutine does so
	work     sync.WaitGroup
}

func newJobStates(client rueidis.Client, log *slog.Logger) *jobStates {
	return &jobStates{client: client, log: log, held: map[weak.Pointer[bullmq.Job]]struct{}{}}
}

// stateKey includes the job's time, so that a later job with the same id does
// not find the state of one that was removed.
func stateKey(job *bullmq.Job) string {
	return "jobrunner:state:" + job.Queue.JobKey(job.ID) + ":" + strconv.FormatInt(job.Timestamp.UnixMilli(), 10)
}

// load returns the job's state, nil if it has none.
func (s *jobStates) load(ctx context.Context, job *bullmq.Job) (json.RawMessage, error) {
	if !s.mayHave(job) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	text, err := s.client.Do(ctx, s.client.B().Get().Key(stateKey(job)).Build()).AsBytes()
	if rueidis.IsRedisNil(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of job %s: %w", job.ID, err)
	}
	s.hold(job)
	return text, nil
}

func (s *jobStates) save(ctx context.Context, job *bullmq.Job, state json.RawMessage) error {
	if len(state) > handler.MaxStateBytes {
		return fmt.Errorf("the job's state has %d bytes as JSON, more than the %d allowed; store it elsewhere and save where",
			len(state), handler.MaxStateBytes)
	}
	command := s.client.B().Set().Key(stateKey(job)).Value(rueidis.BinaryString(state)).Ex(handler.StateTTL).Build()
	s.hold(job)
	if err := s.client.Do(ctx, command).Error(); err != nil {
		return fmt.Errorf("save the state of job %s: %w", job.ID, err)
	}
	return nil
}

// mayHave reports whether the job can have a state: its handler, which is asked
// for it with each job, has saved one, or may have in an attempt before.
func (s *jobStates) mayHave(job *bullmq.Job) bool {
	if job.AttemptsStarted > 1 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) == 0 {
		return false // as most of the time
	}
	_, held := s.held[weak.Make(job)]
	return held
}

func (s *jobStates) hold(job *bullmq.Job) {
	p := weak.Make(job)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, held := s.held[p]; held {
		return
	}
	s.held[p] = struct{}{}
	runtime.AddCleanup(job, s.drop, p)
}

func (s *jobStates) drop(p weak.Pointer[bullmq.Job]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, p)
}

// forget deletes the job's state, soon and without waiting for it.
func (s *jobStates) forget(job *bullmq.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A job on a further attempt may have a state that its handler never asked for.
	further := job.AttemptsStarted > 1
	if !further && len(s.held) == 0 {
		return
	}
	p := weak.Make(job)
	if _, held := s.held[p]; !held && !further {
		return
	}
	delete(s.held, p)
	s.outdated = append(s.outdated, stateKey(job))
	if !s.deleting {
		s.deleting = true
		s.work.Go(s.deleteAll)
	}
}

// deleteAll deletes what is outdated until nothing is. What it cannot delete expires.
func (s *jobStates) deleteAll() {
	for {
		s.mu.Lock()
		keys := s.outdated
		s.outdated = nil
		s.deleting = len(keys) > 0
		s.mu.Unlock()
		if len(keys) == 0 {
			return
		}
		commands := make(rueidis.Commands, len(keys))
		for i, key := range keys {
			commands[i] = s.client.B().Del().Key(key).Build()
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		for _, r := range s.client.DoMulti(ctx, commands...) {
			if err := r.Error(); err != nil {
				s.log.WarnContext(ctx, "job's state could not be deleted", slog.Any("error", err))
				break
			}
		}
		cancel()
	}
}

// close waits until what is outdated has been deleted.
func (s *jobStates) close() { s.work.Wait() }

package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// programHost is a [Host] that runs a program once for each job.
//
// The job is JSON on its stdin. Its result is what it writes to the file that
// JOBRUNNER_RESULT names or else the last line of stdout: as JSON if it is some,
// and as a text if not. The lines before and those of stderr are the job's log;
// a line "progress 42" on stdout is the job's progress. It has a directory of its
// own, which goes with it.
type programHost struct {
	command command
	limits  Limits
	log     *slog.Logger
	dir     string // goes with the host
}

// Names of files in a job's directory.
const (
	resultFile = "result"
	stateFile  = "state"
)

// Close implements [Host].
func (h *programHost) Close() { removeAll(h.dir, h.log) }

// Run implements [Host].
func (h *programHost) Run(ctx handler.Context, _ string) (json.RawMessage, error) {
	dir, err := os.MkdirTemp(h.dir, "job-")
	if err != nil {
		return nil, fmt.Errorf("the job's directory: %w", err)
	}
	defer removeAll(dir, h.log)
	state, err := ctx.State()
	if err != nil {
		return nil, err
	}
	input, err := encodeJob(ctx.Job(), state)
	if err != nil {
		return nil, err
	}
	if state != nil {
		if err := os.WriteFile(filepath.Join(dir, stateFile), state, 0o600); err != nil {
			return nil, fmt.Errorf("the job's state: %w", err)
		}
	}
	run := &programRun{ctx: ctx, limits: h.limits, dir: dir}
	if run.proc, err = startProcess(h.commandFor(ctx.Job(), dir)); err != nil {
		return nil, err
	}
	run.talk(input)
	h.await(ctx, run.proc)
	run.loops.Wait()
	if err := run.saveState(state); err != nil {
		ctx.Logf("the job's state was not kept: %v", err)
	}
	result, err := run.outcome()
	return result, withHint(h.command.policy, err)
}

// commandFor is the host's command for one job.
func (h *programHost) commandFor(job *handler.Job, dir string) command {
	c := h.command
	c.temp = dir
	c.env = slices.Concat(c.env, []string{
		"JOBRUNNER_RESULT=" + filepath.Join(dir, resultFile),
		"JOBRUNNER_STATE=" + filepath.Join(dir, stateFile),
		"JOBRUNNER_JOB_ID=" + withoutNUL(job.ID), "JOBRUNNER_JOB_NAME=" + withoutNUL(job.Name),
		"JOBRUNNER_QUEUE=" + withoutNUL(job.Queue), "JOBRUNNER_ATTEMPT=" + strconv.Itoa(job.Attempt),
	})
	c.policy = c.policy.WithWrite(dir)
	return c
}

// withoutNUL makes text fit for an environment.
func withoutNUL(text string) string { return strings.ReplaceAll(text, "\x00", "") }

// await waits for the program's end. When the job must stop, it is asked to with
// SIGTERM, and ended after the grace.
func (h *programHost) await(ctx context.Context, proc *process) {
	select {
	case <-proc.done:
		return
	case <-ctx.Done():
	}
	proc.cmd.Terminate()
	grace := time.NewTimer(h.limits.CancelGrace)
	defer grace.Stop()
	select {
	case <-proc.done:
	case <-grace.C:
		proc.kill()
		<-proc.done
	}
}

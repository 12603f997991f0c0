package fanout

import (
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

// state is what an attempt leaves to the next.
type state struct {
	// Run is part of the children's ids: children that were added in one run are
	// not added again in it. A job that has failed for good has lost its state, and
	// begins another run when it is tried again.
	Run string `json:"run"`
}

// runOf returns the job's run, and begins one if it has none. It is saved before
// any child is added.
func runOf(ctx handler.Context) (run string, begins bool, err error) {
	text, err := ctx.State()
	if err != nil {
		return "", false, err
	}
	var s state
	if text != nil {
		if err := json.Unmarshal(text, &s); err != nil {
			return "", false, bullmq.Unrecoverable(fmt.Errorf("the job's state is not fan-out's: %w", err))
		}
	}
	if s.Run != "" {
		return s.Run, false, nil
	}
	s.Run = rand.Text()[:8]
	return s.Run, true, ctx.SaveState(s)
}

package core

import (
	"context"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// sleepData is what a sleep job asks for.
type sleepData struct {
	MS    int64 `json:"ms" jsonschema:"title=Duration,description=How long to sleep in milliseconds,minimum=0,maximum=86400000,default=1000"`
	Steps int64 `json:"steps,omitempty" jsonschema:"title=Steps,description=In how many steps to report progress,minimum=1,maximum=1000,default=10"`
}

type sleepResult struct {
	SleptMS int64 `json:"sleptMs"`
}

// sleepHandler does nothing for a while, with progress, and stops when told to.
func sleepHandler() (*handler.Definition, error) {
	return handler.New("sleep", func(ctx handler.Context, in sleepData) (sleepResult, error) {
		began := time.Now()
		steps := in.Steps
		if steps == 0 {
			steps = 10
		}
		total := time.Duration(in.MS) * time.Millisecond
		for step := int64(1); step <= steps; step++ {
			// Until a point in time, not for a time, so that the steps' delays do not add up.
			timer := time.NewTimer(time.Until(began.Add(total * time.Duration(step) / time.Duration(steps))))
			select {
			case <-ctx.Done():
				timer.Stop()
				return sleepResult{}, context.Cause(ctx)
			case <-timer.C:
			}
			ctx.Progress(100 * step / steps)
		}
		return sleepResult{time.Since(began).Milliseconds()}, nil
	}, describe("Sleeps for a while, reporting progress; it stops when it is cancelled"))
}

package worker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker"
)

// stepsTS ends its attempts in every way that puts a job back, one after the other.
const stepsTS = `
import { defineHandler, UnrecoverableError } from "@jobrunner/handler";

interface Data { parts: string[]; checked?: boolean }
interface State { step: number; later?: string }

export default defineHandler<Data, unknown, State>({
  name: "steps",
  async run(job) {
    const step = (job.state?.step ?? 0) + 1;
    await job.log("step " + step);
    await job.saveState({ ...job.state, step });
    switch (step) {
      case 1: return job.delay(20);
      case 2: return job.release();
      case 3: {
        const children = job.data.parts.map((name) => ({ name: "part", queue: "parts", data: { name }, opts: { ignoreDependencyOnFailure: true } }));
        await job.addChildren(children);
        return job.waitForChildren();
      }
      case 4: {
        const [later] = await job.addJobs([{ name: "part", data: { name: "later" } }]);
        await job.saveState({ step, later: later?.id });
        await job.updateData({ ...job.data, checked: true });
        return job.rateLimit(20);
      }
      case 5:
        return {
          results: Object.values(await job.childrenValues()), failures: Object.values(await job.failedChildren()),
          counts: await job.dependencies(), checked: job.data.checked, later: typeof job.state?.later,
          attempt: job.attempt, started: job.attemptsStarted,
        };
      default: throw new UnrecoverableError("ran too often");
    }
  },
});
`

func TestAJavaScriptHandlerHasAllWaysToPutItsJobBack(t *testing.T) {
	t.Parallel()
	b := start(t, map[string]string{
		"steps.ts": stepsTS,
		"part.mjs": `export default (job) => { if (job.data.name === "broken") throw new Error("it is broken"); return job.data.name; };`,
	}, func(o *worker.Options) {
		o.Settings.Queues = append(o.Settings.Queues, worker.Queue{Name: "parts", Concurrency: 2})
	})
	b.loaded()
	job := b.wait(b.add("steps", `{"parts":["left","broken"]}`, nil), bullmq.StateCompleted)
	require.JSONEq(t, `{"results":["left"],"failures":["it is broken"],
		"counts":{"processed":1,"unprocessed":0,"ignored":1,"failed":0},
		"checked":true,"later":"string","attempt":1,"started":5}`, string(job.ReturnValue))
	require.Equal(t, 1, job.AttemptsMade)
	require.JSONEq(t, `{"parts":["left","broken"],"checked":true}`, string(job.Data))
	require.Equal(t, []string{"step 1", "step 2", "step 3", "step 4", "step 5"}, b.logs(job))
}

import type { Job } from "@/api/types";
import { JsonView } from "@/components/json-view";
import { Card } from "@/components/ui/card";
import { ProgressBar } from "@/components/ui/progress";
import { percentOf } from "./job-facts";

/** What the handler last reported: a bar if it is a percentage, else the value itself. */
export function JobProgress({ job }: { job: Job }) {
  if (job.progress === undefined || job.progress === null || job.progress === 0) return null;
  const percent = percentOf(job.progress);
  if (percent === undefined) {
    return (
      <Card title="Progress" bodyClassName="p-0">
        <JsonView text={JSON.stringify(job.progress)} label="progress" />
      </Card>
    );
  }
  return (
    <div className="flex items-center gap-3 rounded-lg border bg-card px-4 py-3">
      <span className="font-medium">Progress</span>
      <ProgressBar value={percent} label="Progress" />
      <span className="w-12 text-right font-medium tabular-nums">{Math.round(percent * 10) / 10}%</span>
    </div>
  );
}

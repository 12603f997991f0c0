import { expect, test } from "../support/fixtures.ts";

test("a job's progress moves in the browser while it runs", async ({ signedIn: page, jobrunner, api }) => {
  const job = await api.addJob("default", "sleep", { ms: 4000, steps: 20 });
  await page.goto(`${jobrunner.url}/queues/default/jobs/${job.id}`);

  const bar = page.getByRole("progressbar", { name: "Progress" });
  const seen = new Set<string>();
  await expect
    .poll(async () => {
      if (await bar.isVisible()) seen.add((await bar.getAttribute("aria-valuenow")) ?? "");
      return seen.size;
    })
    .toBeGreaterThan(2);

  await expect(page.getByText("Completed", { exact: true }).first()).toBeVisible();
  await expect(page.getByText("Result", { exact: true })).toBeVisible();
});

test("counts on the dashboard follow the queues", async ({ signedIn: page, api }) => {
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "default", exact: true }) });
  const completed = async () => ((await row.first().textContent()) ?? "").replaceAll(/\s+/g, " ");
  const before = await completed();
  const job = await api.addJob("default", "echo", { hello: "world" });
  await expect.poll(async () => (await api.job("default", job.id)).state).toBe("completed");
  await expect.poll(completed).not.toBe(before);
});

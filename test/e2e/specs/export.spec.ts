import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { Api } from "../support/api.ts";
import { admin, adminEnv, expect, signIn, test } from "../support/fixtures.ts";
import { JobRunner } from "../support/jobrunner.ts";
import { makeOrders } from "../support/table.ts";

const rows = 1_000_000;
/** What the program may grow by while it exports; all rows together are far more. */
const memoryLimit = 150 << 20;

interface Progress {
  rows?: number;
  percent?: number;
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path)) {
    for (const byte of chunk as Buffer) if (byte === 10) lines++;
  }
  return lines;
}

/**
 * Notes every percentage that a job's page shows, as a bar or as part of the progress itself. The page does
 * so itself, for what looks from outside may look too seldom.
 */
async function watchPercents(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen = new Set<number>();
    const look = () => {
      const bar = document.querySelector('main [role="progressbar"]');
      const text = /"percent":\s*([\d.]+)/.exec(document.querySelector("main")?.textContent ?? "")?.[1];
      const percent = Number(bar?.getAttribute("aria-valuenow") ?? text ?? 0);
      seen.add(percent);
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
    Object.assign(window, { percentsSeen: seen });
  });
  return () => page.evaluate(() => [...(window as unknown as { percentsSeen: Set<number> }).percentsSeen]);
}

test("a table of a million rows is exported with progress seen in the browser", async ({ page }) => {
  test.setTimeout(180_000);
  const directory = mkdtempSync(join(tmpdir(), "jobrunner-export-"));
  const database = join(directory, "shop.db");
  makeOrders(database, rows);
  const jobrunner = await JobRunner.start({
    args: ["--export-dir", join(directory, "out"), "--export-connection", `shop=sqlite://${database}`],
    env: adminEnv,
  });
  try {
    const api = await Api.login(jobrunner.url, admin);
    await signIn(page, jobrunner.url);
    const before = jobrunner.memory();
    // The job waits until its page is open: it is quick.
    await api.pause("default");
    const job = await api.addJob("default", "data-export", {
      source: {
        sql: {
          connection: "shop",
          query: "SELECT * FROM orders ORDER BY id",
          countQuery: "SELECT count(*) FROM orders",
        },
      },
      format: "csv",
      file: "orders.csv",
    });
    await page.goto(`${jobrunner.url}/queues/default/jobs/${job.id}`);

    await expect(page.getByText("Waiting", { exact: true }).first()).toBeVisible();
    const percents = await watchPercents(page);
    await api.resume("default");

    let peak = before;
    const completed = page.getByText("Completed", { exact: true }).first();
    await expect
      .poll(
        async () => {
          peak = Math.max(peak, jobrunner.memory());
          return completed.isVisible();
        },
        { timeout: 150_000, intervals: [50] },
      )
      .toBe(true);

    const seen = await percents();
    const between = seen.filter((percent) => percent > 0 && percent < 100);
    expect(between.length, `percentages seen: ${seen.join(" ")}`).toBeGreaterThan(2);
    expect(peak - before, "growth of the program's memory in bytes").toBeLessThan(memoryLimit);
    expect((await api.job("default", job.id)).progress as Progress).toMatchObject({ rows });
    expect(await countLines(join(directory, "out", "orders.csv"))).toBe(rows + 1);
  } finally {
    await page.goto("about:blank");
    await jobrunner.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, signIn, test } from "../support/fixtures.ts";

const pictures = join(import.meta.dirname, "../test-results/pictures");

const pages = [
  { name: "dashboard", path: "/", heading: "Dashboard" },
  { name: "queues", path: "/queues", heading: "Queues" },
  { name: "queue", path: "/queues/default?state=completed", heading: "default" },
  { name: "new-job", path: "/jobs/new?queue=default&handler=http-request", heading: "New job" },
  { name: "schedules", path: "/schedules", heading: "Schedules" },
  { name: "new-schedule", path: "/schedules/new?queue=default&handler=echo", heading: "New schedule" },
  { name: "handlers", path: "/handlers", heading: "Handlers" },
  { name: "handler", path: "/handlers/data-export", heading: "data-export" },
  { name: "workers", path: "/workers", heading: "Workers" },
  { name: "api-keys", path: "/api-keys", heading: "API keys" },
];

/** Waits until nothing is being loaded, and keeps a picture. */
async function picture(page: Page, theme: string, name: string): Promise<void> {
  await expect(page.getByRole("status", { name: /^Loading/ })).toHaveCount(0);
  await page.screenshot({ path: join(pictures, theme, `${name}.png`), animations: "disabled" });
}

async function overflows(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}

for (const theme of ["light", "dark"] as const) {
  test(`every page draws itself in the ${theme} theme`, async ({ page, jobrunner, api }) => {
    mkdirSync(join(pictures, theme), { recursive: true });
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(jobrunner.url);
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
    await picture(page, theme, "login");
    await signIn(page, jobrunner.url);
    for (const to of ["Ada", "Grace", "Edsger"]) await api.addJob("default", "echo", { hello: to });
    await api.addJob("default", "http-request", { url: "http://127.0.0.1/refused" });
    const running = await api.addJob("default", "sleep", { ms: 60_000, steps: 100 });

    for (const { name, path, heading } of pages) {
      await page.goto(jobrunner.url + path);
      await expect(page.getByRole("heading", { name: heading, level: 1 })).toBeVisible();
      await picture(page, theme, name);
      expect(await overflows(page), `${path} scrolls sideways`).toBe(false);
    }

    await page.goto(`${jobrunner.url}/queues/default/jobs/${running.id}`);
    await expect(page.getByRole("progressbar", { name: "Progress" })).toBeVisible();
    await picture(page, theme, "job");
  });
}

test("the pages fit a phone", async ({ page, jobrunner }) => {
  mkdirSync(join(pictures, "phone"), { recursive: true });
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, jobrunner.url);
  for (const { name, path } of pages) {
    await page.goto(jobrunner.url + path);
    await picture(page, "phone", name);
    expect(await overflows(page), `${path} scrolls sideways`).toBe(false);
  }
});

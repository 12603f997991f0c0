import { test as base, type ConsoleMessage, expect, type Page } from "@playwright/test";
import { Api } from "./api.ts";
import { JobRunner } from "./jobrunner.ts";

export const admin = { email: "admin@example.com", password: "correct horse battery" };

/** Makes the administrator at a program's first start. */
export const adminEnv = { JOBRUNNER_ADMIN_EMAIL: admin.email, JOBRUNNER_ADMIN_PASSWORD: admin.password };

/** Signs the administrator in by the form. */
export async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
}

interface TestFixtures {
  /** Says that a page's console stays empty; on for every test. */
  quietConsole: undefined;
  /** The page, signed in as the administrator. */
  signedIn: Page;
}

interface WorkerFixtures {
  /** One program for all tests that do not start one themselves. */
  jobrunner: JobRunner;
  api: Api;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  jobrunner: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of the fixtures from the pattern.
    async ({}, use) => {
      const jobrunner = await JobRunner.start({ env: adminEnv });
      await use(jobrunner);
      await jobrunner.stop();
    },
    { scope: "worker" },
  ],

  api: [
    async ({ jobrunner }, use) => {
      await use(await Api.login(jobrunner.url, admin));
    },
    { scope: "worker" },
  ],

  quietConsole: [
    async ({ page }, use) => {
      const said: string[] = [];
      page.on("console", (message: ConsoleMessage) => said.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => said.push(String(error)));
      await use(undefined);
      expect(said, "the browser's console").toEqual([]);
    },
    { auto: true },
  ],

  signedIn: async ({ page, jobrunner }, use) => {
    await signIn(page, jobrunner.url);
    await use(page);
  },
});

export { expect };

import { admin, expect, test } from "../support/fixtures.ts";
import { JobRunner } from "../support/jobrunner.ts";

test("the first user registers with the setup token and becomes the administrator", async ({ page }) => {
  const jobrunner = await JobRunner.start();
  try {
    expect(jobrunner.setupToken, "the token that the program printed").toBeTruthy();
    await page.goto(jobrunner.url);

    await page.getByLabel("Setup token").fill(jobrunner.setupToken ?? "");
    await page.getByLabel("E-mail").fill(admin.email);
    await page.getByLabel("Password").fill(admin.password);
    await page.getByRole("button", { name: "Create account" }).click();

    await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
    await page.getByRole("button", { name: "Account and theme" }).click();
    await expect(page.getByText("admin", { exact: true })).toBeVisible();

    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
  } finally {
    await page.goto("about:blank");
    await jobrunner.stop();
  }
});

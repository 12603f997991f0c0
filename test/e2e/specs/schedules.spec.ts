import { expect, test } from "../support/fixtures.ts";

test("a schedule is made by cron pattern, listed, and deleted", async ({ signedIn: page, jobrunner }) => {
  await page.goto(`${jobrunner.url}/schedules`);
  await page.getByRole("link", { name: "New schedule" }).click();
  await page.getByRole("textbox", { name: "Id", exact: true }).fill("nightly");
  await page.getByLabel("Queue").selectOption("default");
  await page.getByLabel("Handler").selectOption("list-handlers");
  await page.getByLabel("Cron pattern").fill("0 3 * * *");
  await page.getByLabel("Time zone").selectOption("UTC");
  await expect(
    page
      .getByRole("listitem")
      .filter({ hasText: /03:00|3:00/ })
      .first(),
  ).toBeVisible();
  await page.getByRole("button", { name: "Create schedule" }).click();

  const row = page.getByRole("row", { name: /nightly/ });
  await expect(row).toContainText("0 3 * * *");
  await row.getByRole("button", { name: "Delete nightly" }).click();
  await page.getByRole("button", { name: "Delete schedule" }).click();
  await expect(row).toHaveCount(0);
});

test("a schedule by interval adds jobs", async ({ signedIn: page, jobrunner }) => {
  await page.goto(`${jobrunner.url}/schedules/new?queue=default&handler=list-handlers`);
  await page.getByRole("textbox", { name: "Id", exact: true }).fill("often");
  await page.getByLabel("Repeats").selectOption("every");
  await page.getByRole("textbox", { name: "Interval", exact: true }).fill("1");
  await page.getByRole("button", { name: "Create schedule" }).click();
  await expect(page.getByRole("row", { name: /often/ })).toBeVisible();
});

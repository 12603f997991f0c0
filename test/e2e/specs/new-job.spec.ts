import { expect, test } from "../support/fixtures.ts";

test("a job is submitted by the form of its handler and seen to complete", async ({
  signedIn: page,
  jobrunner,
}) => {
  await page.goto(`${jobrunner.url}/jobs/new`);
  await page.getByLabel("Queue").selectOption("default");
  await page.getByLabel("Handler").selectOption("sleep");
  await page.getByRole("textbox", { name: "Duration", exact: true }).fill("500");
  await page.getByRole("button", { name: "Add job" }).click();

  await expect(page).toHaveURL(/\/queues\/default\/jobs\/\d+$/);
  await expect(page.getByRole("heading", { name: "sleep" })).toBeVisible();
  await expect(page.getByText("Completed", { exact: true }).first()).toBeVisible();

  await page.goto(`${jobrunner.url}/queues/default?state=completed`);
  await expect(page.getByRole("row", { name: /sleep/ }).first()).toBeVisible();
});

test("the form says what is wrong before anything is sent", async ({ signedIn: page, jobrunner }) => {
  await page.goto(`${jobrunner.url}/jobs/new?queue=default&handler=sleep`);
  await page.getByRole("textbox", { name: "Duration", exact: true }).fill("-5");
  await page.getByRole("button", { name: "Add job" }).click();
  await expect(page.getByRole("alert").or(page.locator("[aria-invalid=true]")).first()).toBeVisible();
  await expect(page).toHaveURL(/\/jobs\/new/);
});

import { admin, expect, test } from "../support/fixtures.ts";

test("Bull Board shows the queue and a job of it", async ({ signedIn: page, jobrunner, api }) => {
  const job = await api.addJob("default", "echo", { hello: "Bull Board" });
  await expect.poll(async () => (await api.job("default", job.id)).state).toBe("completed");

  await page.goto(`${jobrunner.url}/admin/queues`);
  await page
    .getByRole("link", { name: /default/ })
    .first()
    .click();
  await page.goto(`${jobrunner.url}/admin/queues/queue/default/${job.id}`);
  await expect(page.getByText("Bull Board").first()).toBeVisible();
  await expect(page.getByText(/echo/).first()).toBeVisible();
});

test("who opens Bull Board without a session comes back to it after signing in", async ({
  page,
  jobrunner,
}) => {
  await page.goto(`${jobrunner.url}/admin/queues`);
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveTitle(/Bull Dashboard|JobRunner/);
  await expect(page).toHaveURL(/\/admin\/queues/);
});

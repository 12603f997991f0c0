import { expect, test } from "../support/fixtures.ts";

for (const theme of ["Light", "Dark"]) {
  test(`the ${theme.toLowerCase()} theme is kept over a reload`, async ({ signedIn: page }) => {
    await page.getByRole("button", { name: "Account and theme" }).click();
    await page.getByRole("menuitemradio", { name: theme }).click();
    await page.reload();
    await expect(page.getByRole("heading", { name: "Dashboard" })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(
      theme === "Dark",
    );
  });
}

// Bull Board asks for data by cookie and knows nothing of sign-ins that run out.
// This script renews the cookie while the page is open, in turn with the other
// tabs: a refresh token that is used twice ends the session.
(() => {
  const lock = "jobrunner.refresh";
  const stamp = "jobrunner.board.renew-at";
  const firstTry = 5_000;
  const afterFailure = 30_000;

  // The page can outlive its refresh token for as long as the cookie is good.
  async function leaveIfSignedOut() {
    const page = await fetch(location.href, { redirect: "manual" });
    if (page.type === "opaqueredirect") location.reload(); // leads to the sign-in
  }

  async function requestToken() {
    const due = Number(localStorage.getItem(stamp) ?? 0);
    const early = due - Date.now();
    if (early > 0 && early < 3_600_000) return early; // another tab was faster
    const response = await fetch("/api/v1/auth/refresh", { method: "POST", credentials: "same-origin" });
    if (!response.ok) {
      await leaveIfSignedOut();
      return afterFailure;
    }
    const { expiresIn } = await response.json();
    const pause = Math.max(firstTry, expiresIn * 500); // half of the token's life, in ms
    localStorage.setItem(stamp, String(Date.now() + pause));
    return pause;
  }

  async function renew() {
    let pause = afterFailure;
    try {
      // Locks exist in secure contexts only.
      pause = await ("locks" in navigator ? navigator.locks.request(lock, requestToken) : requestToken());
    } catch {
      // The server is away; the page itself says so.
    }
    setTimeout(renew, pause);
  }

  setTimeout(renew, firstTry);
})();

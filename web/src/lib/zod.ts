import { config } from "zod/mini";

// Zod compiles validators with `new Function` where it may; the
// Content-Security-Policy forbids that, and even the attempt is reported.
config({ jitless: true });

/** Zod's small form: functions instead of methods, so that only what is used is shipped. */
export * from "zod/mini";

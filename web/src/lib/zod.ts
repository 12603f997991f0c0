import { z } from "zod";

// Zod compiles validators with `new Function` where it may; the
// Content-Security-Policy forbids that, and even the attempt is reported.
z.config({ jitless: true });

export { z };

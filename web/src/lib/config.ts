import * as z from "@/lib/zod";

const configSchema = z.object({
  /** Where the client is mounted, with a slash at both ends. */
  basePath: z._default(z.string().check(z.startsWith("/"), z.endsWith("/")), "/"),
});

export type Config = z.infer<typeof configSchema>;

/** Reads the settings that index.html carries as JSON, so that no inline script is needed. */
function readConfig(): Config {
  const text = document.getElementById("jobrunner-config")?.textContent;
  return configSchema.parse(text ? JSON.parse(text) : {});
}

export const config = readConfig();

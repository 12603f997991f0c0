import { fileURLToPath, URL } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { precompress } from "./build/precompress.ts";

// Where `vite dev` finds the backend; the built client talks to its own origin.
const backend = process.env.JOBRUNNER_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), tailwindcss(), precompress()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2023",
    // A data: URL would need a wider Content-Security-Policy for fonts.
    assetsInlineLimit: 0,
    // The polyfill is an inline script in older setups and no target needs it.
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    // Anchored, for /api-keys is a page of the client.
    proxy: { "^/(api|admin|docs)(/|$)": { target: backend, ws: true }, "^/openapi\\.": { target: backend } },
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./src/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    // The JSON editor takes its time to load on a busy machine.
    testTimeout: 20_000,
  },
});

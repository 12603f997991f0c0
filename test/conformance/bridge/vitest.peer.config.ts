import { fileURLToPath } from "node:url";

// BullMQ's own configuration, with its datastore replaced unless BRIDGE_SOCKET
// is empty. The root is the checkout, which the command line names.
const setup = fileURLToPath(new URL("node/peer-setup.ts", import.meta.url));

export default {
  test: {
    include: ["tests/*.test.ts"],
    setupFiles: ["./vitest.setup.ts", ...(process.env.BRIDGE_SOCKET ? [setup] : [])],
    testTimeout: 10_000,
    hookTimeout: 10_000,
    fileParallelism: false,
  },
};

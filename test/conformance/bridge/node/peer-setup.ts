// Puts the bridge in the place of BullMQ's own datastore, before each file of
// its tests. BULLMQ_CHECKOUT is where the tests are, for the factory must be set
// in the very module that they import.

import type { IRedisClient, setDefaultBackendFactory } from "bullmq";
import { afterAll } from "vitest";
import { bridgeFactory } from "./factory.ts";

const checkout = variable("BULLMQ_CHECKOUT");
const create = (await import(`${checkout}/src/utils/create-backend`)) as {
  setDefaultBackendFactory: typeof setDefaultBackendFactory;
};
const connections = (await import(`${checkout}/tests/utils/connection-factory`)) as {
  createTestConnection: () => IRedisClient;
};

const connect = bridgeFactory(variable("BRIDGE_SOCKET"));
let redis: IRedisClient | undefined;

// Some tests look straight into Redis, by the client of the backend.
create.setDefaultBackendFactory((name, opts, options) =>
  Object.defineProperty(connect(name, opts, options), "client", {
    get: async () => (redis ??= connections.createTestConnection()),
  }),
);

afterAll(async () => {
  await redis?.quit();
  redis = undefined;
});

function variable(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

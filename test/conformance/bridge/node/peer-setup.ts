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
const redis = connections.createTestConnection();

// Some tests look straight into Redis, by the client of the backend, and expect
// what the server's version gives.
const escapeHatch = {
  client: Promise.resolve(redis),
  redisVersion: /redis_version:(\S+)/.exec(await redis.info())?.[1],
  databaseType: "redis",
};
create.setDefaultBackendFactory((name, opts, options) =>
  Object.assign(connect(name, opts, options), escapeHatch),
);

afterAll(async () => {
  await redis.quit();
});

function variable(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

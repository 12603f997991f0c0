// Puts the bridge in the place of BullMQ's own datastore, before each file of
// its tests. BULLMQ_CHECKOUT is where the tests are, for the factory must be set
// in the very module that they import.

import type { setDefaultBackendFactory } from "bullmq";
import { bridgeFactory } from "./factory.ts";

function variable(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

const checkout = variable("BULLMQ_CHECKOUT");
const module = (await import(`${checkout}/src/utils/create-backend`)) as {
  setDefaultBackendFactory: typeof setDefaultBackendFactory;
};
module.setDefaultBackendFactory(bridgeFactory(variable("BRIDGE_SOCKET")));

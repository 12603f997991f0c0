import type { BackendFactory } from "bullmq";
import { BridgeBackend } from "./backend.ts";
import type { SessionOptions } from "./session.ts";

/** Makes the backends of BullMQ's classes on the bridge that listens on this socket. */
export function bridgeFactory(socket: string): BackendFactory<BridgeBackend> {
  return (name, opts, { withBlockingConnection = false } = {}) =>
    BridgeBackend.connect(socket, name, opts as SessionOptions, withBlockingConnection);
}

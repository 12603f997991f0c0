// The host shim: runs one handler module for a JobRunner worker.
//
//   node host.mjs BUNDLE SOURCE
//
// BUNDLE is the module as it was built, SOURCE the file it was built from.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { describeError, locate } from "./lib/errors.mjs";
import { guardProcess } from "./lib/guard.mjs";
import { collectHandlers } from "./lib/module.mjs";
import { Peer } from "./lib/peer.mjs";
import { Run } from "./lib/run.mjs";

const protocol = 1;
const [bundle, source] = process.argv.slice(2);
const runs = new Map();
const handlers = new Map();
let maxResultBytes = Number.POSITIVE_INFINITY;

const peer = new Peer({ initialize, execute, cancel, ping });
// Bundled CommonJS looks for a global require, and installed packages are found from the source.
globalThis.require = createRequire(source);
guardProcess({ runs, onDamaged: (reason) => peer.notify("retire", { reason }) });
peer.listen();

async function initialize(params, id) {
  maxResultBytes = params.maxResultBytes;
  try {
    const found = await collectHandlers(await import(pathToFileURL(bundle).href), source);
    for (const handler of found) handlers.set(handler.describe.name, handler);
    const described = found.map((handler) => handler.describe);
    peer.replyText(id, JSON.stringify({ protocol, handlers: described, dependencies: [] }));
  } catch (error) {
    const { message, data } = describeError(error);
    peer.replyError(id, { code: -32000, message, data: { ...data, ...locate(error) } });
  }
}

function execute({ handler: name, job }, id) {
  const run = new Run(peer, id, maxResultBytes, () => runs.delete(id));
  runs.set(id, run);
  const handler = handlers.get(name);
  if (handler) run.start(handler, job);
  else run.fail(new Error(`the module has no handler ${name}`));
}

function cancel({ call, reason }) {
  runs.get(call)?.cancel(reason);
}

function ping(_params, id) {
  peer.replyText(id, "null");
}

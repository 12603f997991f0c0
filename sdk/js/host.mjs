// The host shim: runs one handler module for a JobRunner worker.
//
//   node host.mjs BUNDLE SOURCE
//
// BUNDLE is the module as it was built, SOURCE the file it was built from.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { guardProcess } from "./lib/guard.mjs";
import { locate } from "./lib/locate.mjs";
import { collectHandlers } from "./lib/module.mjs";
import { outcomeOf } from "./lib/outcome.mjs";
import { Peer } from "./lib/peer.mjs";
import { codeThrown, Run } from "./lib/run.mjs";

const protocol = 2;
const [bundle, source] = process.argv.slice(2);
/** The runs that go on, by the id of their call. */
const runs = new Map();
const handlers = new Map();
let maxResultBytes = Number.POSITIVE_INFINITY;

const { stdin, stdout } = process;
const peer = new Peer({ initialize, execute, cancel, ping }, stdout.write.bind(stdout));
// Bundled CommonJS looks for a global require, and installed packages are found from the source.
globalThis.require = createRequire(source);
guardProcess({ runs, onDamaged: (reason) => peer.notify("retire", JSON.stringify({ reason })) });
// The end of stdin says that the parent has gone or wants this process to.
peer.listen(stdin, () => process.reallyExit(0));

async function initialize(params, id) {
  try {
    if (params.protocol !== protocol) {
      throw new Error(`the host speaks protocol ${protocol} and the worker ${params.protocol}`);
    }
    maxResultBytes = params.maxResultBytes;
    const found = await collectHandlers(await import(pathToFileURL(bundle).href), source);
    for (const handler of found) handlers.set(handler.describe.name, handler);
    const described = found.map((handler) => handler.describe);
    peer.reply(id, JSON.stringify({ protocol, handlers: described, dependencies: [] }));
  } catch (error) {
    const { message, data } = outcomeOf(error);
    peer.replyError(id, { code: codeThrown, message, data: { ...data, ...locate(error) } });
  }
}

function execute({ handler: name, job }, id) {
  const run = new Run(peer, id, maxResultBytes, settled);
  runs.set(id, run);
  const handler = handlers.get(name);
  if (handler) run.start(handler, job);
  else run.fail(new Error(`the module has no handler ${name}`));
}

function settled(id) {
  runs.delete(id);
}

function cancel({ call, reason }) {
  runs.get(call)?.cancel(reason);
}

function ping(_params, id) {
  peer.reply(id, "null");
}

import { basename, extname } from "node:path";
import { checkDefinition } from "./definition.mjs";

/**
 * Finds the handlers a module exports, in any of the shapes that are in use:
 *
 * - `export default defineHandler({ name, run })`, or a list of such, or named exports;
 * - `{ name, description, version, author, data, async execute(job) }`;
 * - a function, which takes its name from the file;
 * - `registerHandlers(registry)`, which calls `registry.registerHandler(handler)`.
 */
export async function collectHandlers(module, path) {
  const exported = unwrap(module.default);
  const register = module.registerHandlers ?? exported?.registerHandlers;
  const registered = typeof register === "function" ? await collectRegistered(register) : [];
  if (registered.length > 0) return distinct(registered);
  const fallback = basename(path, extname(path));
  const found = new Map();
  const add = (value, name) => {
    const handler = toHandler(value, name);
    if (handler && !found.has(value)) found.set(value, handler);
  };
  for (const value of Array.isArray(exported) ? exported : [exported]) add(value, fallback);
  for (const [name, value] of Object.entries(module)) {
    if (name !== "default" && typeof value !== "function") add(value, name);
  }
  if (found.size === 0) {
    throw new Error(
      "the module exports no handler; write: export default defineHandler({ name, run(job) { … } }), " +
        "or let the file's name begin with _ if it is there for others to import",
    );
  }
  return distinct([...found.values()]);
}

function distinct(handlers) {
  const names = handlers.map((handler) => handler.describe.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`the module has two handlers named ${JSON.stringify(twice)}`);
  return handlers;
}

async function collectRegistered(register) {
  const handlers = [];
  await register({
    registerHandler(value) {
      const handler = toHandler(value?.default ?? value);
      if (!handler?.describe.name) throw new TypeError("registerHandler takes { name, execute(job) }");
      handlers.push(handler);
    },
  });
  return handlers;
}

/** CommonJS made from ECMAScript modules has the default export one level deeper. */
function unwrap(value) {
  return value?.__esModule && value.default !== undefined ? value.default : value;
}

function toHandler(value, fallbackName) {
  if (typeof value === "function") {
    return { describe: { name: fallbackName, version: "0.0.0" }, run: caller(value) };
  }
  const run = value?.run ?? value?.execute;
  if (typeof value !== "object" || value === null || typeof run !== "function") return undefined;
  if (value.run) checkDefinition(value, `handler ${JSON.stringify(value.name ?? fallbackName)}`);
  return { describe: describe(value, fallbackName), run: caller(run, value) };
}

/** BullMQ calls its processors with (job, token, signal). */
function caller(run, self) {
  if (run.length < 2) return (job) => run.call(self, job);
  if (run.length < 3) return (job) => run.call(self, job, job.token);
  return (job) => run.call(self, job, job.token, job.signal);
}

function describe(value, fallbackName) {
  return {
    name: text(value.name) ?? fallbackName,
    version: text(value.version) ?? "0.0.0",
    description: text(value.description),
    author: typeof value.author === "object" ? text(value.author?.name) : text(value.author),
    dataSchema: value.schema ?? schemaOfData(value.data),
    resultSchema: value.resultSchema,
    defaults: value.defaults,
    keepAlive: value.keepAlive === true ? true : undefined,
  };
}

const types = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** The older shape's `data` is a schema, or an example of the data, which binds nobody. */
function schemaOfData(data) {
  if (typeof data !== "object" || data === null) return undefined;
  const { type } = data;
  if (type !== undefined) return [type].flat().every((one) => types.includes(one)) ? data : undefined;
  const keywords = {
    $schema: "string",
    properties: "object",
    anyOf: "object",
    oneOf: "object",
    allOf: "object",
  };
  const isSchema = Object.entries(keywords).some(([keyword, kind]) => typeof data[keyword] === kind);
  return isSchema ? data : undefined;
}

function text(value) {
  return value === undefined || value === null ? undefined : String(value);
}

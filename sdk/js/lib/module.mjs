import { basename, extname } from "node:path";

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
  if (registered.length > 0) return registered;
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
      "the module exports no handler; write: export default defineHandler({ name, run(job) { … } })",
    );
  }
  return [...found.values()];
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
    return { describe: { name: fallbackName, version: "0.0.0" }, run: value };
  }
  const run = value?.run ?? value?.execute;
  if (typeof value !== "object" || value === null || typeof run !== "function") return undefined;
  return { describe: describe(value, fallbackName), run: run.bind(value) };
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
  };
}

/** The older shape's `data` is a schema, or an example of the data, which binds nobody. */
function schemaOfData(data) {
  const isSchema =
    typeof data === "object" &&
    data !== null &&
    ["type", "$schema", "properties", "anyOf", "oneOf", "allOf"].some((keyword) => keyword in data) &&
    (data.type === undefined || typeof data.type === "string" || Array.isArray(data.type));
  return isSchema ? data : undefined;
}

function text(value) {
  return value === undefined || value === null ? undefined : String(value);
}

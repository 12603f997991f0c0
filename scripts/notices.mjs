// Writes THIRD_PARTY_NOTICES.md: the licences of everything that bin/jobrunner
// holds and others wrote, which are Go modules, the npm packages of the web
// client, and Bull Board's page.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const out = "THIRD_PARTY_NOTICES.md";
const licenceFile = /^(licen[cs]e|copying|notice|copyright|patents|ofl)/i;
// Build tools that leave text of their own in what they build.
const builtIn = ["tailwindcss"];

const run = (command, args, env) =>
  execFileSync(command, args, { encoding: "utf8", maxBuffer: 64 << 20, env: { ...process.env, ...env } });
const label = ({ name, version }) => `${name} ${version}`;
const byName = (a, b) => (label(a) < label(b) ? -1 : label(a) > label(b) ? 1 : 0);

function licenceTexts(dir) {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && licenceFile.test(entry.name) && !/\.(go|js|ts)$/.test(entry.name))
    .map((entry) => readFileSync(join(dir, entry.name), "utf8").replaceAll("\r\n", "\n").trim())
    .sort();
}

/** The modules that go into the program on any of the systems it is built for. */
function goModules() {
  const modules = new Map();
  for (const GOOS of ["linux", "darwin"]) {
    const format = "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}";
    const lines = run("go", ["list", "-deps", "-f", format, "./cmd/jobrunner"], { GOOS, CGO_ENABLED: "0" });
    for (const line of lines.split("\n").filter(Boolean)) {
      const [name, version, dir] = line.split("\t");
      modules.set(name, { name, version, texts: licenceTexts(dir) });
    }
  }
  return [...modules.values()].sort(byName);
}

function goItself() {
  const root = run("go", ["env", "GOROOT"]).trim();
  return { name: "The Go standard library", version: "", texts: licenceTexts(root) };
}

function npmPackage(dir) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
  const texts = licenceTexts(dir);
  const owner = typeof author === "string" ? author : author?.name;
  if (texts.length === 0 && license) {
    texts.push(`The package states: ${license} licence${owner ? `, by ${owner}` : ""}.`);
  }
  return { name, version, texts };
}

function clientPackages() {
  const args = ["ls", "--workspace", "web", "--omit", "dev", "--all", "--parseable"];
  const dirs = run("npm", args)
    .split("\n")
    .filter((dir) => dir.includes("node_modules/") && !dir.includes("node_modules/@jobrunner"));
  for (const name of builtIn) dirs.push(join("node_modules", name));
  const packages = new Map(dirs.map((dir) => [dir, npmPackage(dir)]));
  return [...packages.values()].sort(byName);
}

/** The page is a bundle; its builder collected the notices of what is in it. */
function bullBoard() {
  const dir = join("node_modules", "@bull-board/ui");
  const collected = readdirSync(join(dir, "dist"), { recursive: true })
    .filter((file) => file.endsWith("LICENSE.txt"))
    .sort()
    .map((file) => readFileSync(join(dir, "dist", file), "utf8").trim());
  const page = npmPackage(dir);
  return { ...page, texts: [...page.texts, ...collected] };
}

function section(title, packages) {
  const parts = packages.map(({ name, version, texts }) => {
    if (texts.length === 0) throw new Error(`${name} ${version}: no licence found`);
    const blocks = texts.map((text) => `\`\`\`text\n${text.replaceAll("```", "'''")}\n\`\`\``);
    return `### ${name}${version ? ` ${version}` : ""}\n\n${blocks.join("\n\n")}\n`;
  });
  return `## ${title}\n\n${parts.join("\n")}`;
}

writeFileSync(
  out,
  `${[
    "# Third-party notices\n",
    "JobRunner itself is under the licence in LICENSE. Its program also holds the work of others, under the licences below.",
    "Made by `make generate`; do not edit.\n",
    section("Go modules", [goItself(), ...goModules()]),
    section("npm packages in the web client", clientPackages()),
    section("Bull Board's page", [bullBoard()]),
  ].join("\n")}`,
);

// Builds the desktop into the folder that is named: files under names that carry their hash, each also compressed,
// the licences of what went in, and a manifest. The same sources, lock file and Node give the same bytes.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { notices } from "./notices.mjs";

const SMALL = 1024; // bytes below which compressing is not worth a file
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: 22 } };
const here = (path) => new URL(path, import.meta.url).pathname;
const out = process.argv[2];
if (!out) throw new Error("usage: node build.mjs FOLDER");

await rm(out, { recursive: true, force: true });
await mkdir(join(out, "files"), { recursive: true });

const options = {
  bundle: true,
  minify: true,
  write: false,
  charset: "utf8",
  platform: "browser",
  target: "es2020",
  legalComments: "none", // they are in the notices
  logLevel: "error",
  outdir: out,
};
const shell = await build({ ...options, format: "iife", entryPoints: [here("shell/shim.ts"), here("shell/desktop.css")] });
const flex = await build({
  ...options,
  format: "iife",
  entryPoints: [here("shell/main.ts")],
  mainFields: ["browser", "module", "main"],
  alias: { path: "path-browserify" },
  define: { global: "window", "process.env.NODE_ENV": '"production"' },
  inject: [here("shell/process.js")],
  metafile: true,
  absWorkingDir: here("."),
});

const names = {};
const files = {};

async function put(name, content) {
  const hash = createHash("sha256").update(content).digest("hex");
  const dot = name.lastIndexOf(".");
  const file = `${name.slice(0, dot)}-${hash.slice(0, 16)}${name.slice(dot)}`;
  names[name] = `/desktop/files/${file}`;
  files[file] = { bytes: content.length, sha256: hash };
  await writeFile(join(out, "files", file), content);
  if (content.length < SMALL) return;
  const packed = { br: brotliCompressSync(content, BROTLI), gz: gzipSync(content, { level: 9 }) };
  for (const [ending, bytes] of Object.entries(packed)) {
    await writeFile(join(out, "files", `${file}.${ending}`), bytes);
    files[file][ending] = bytes.length;
  }
}

for (const { path, contents } of [...shell.outputFiles, ...flex.outputFiles]) {
  await put(path.slice(path.lastIndexOf("/") + 1), Buffer.from(contents));
}
for (const name of ["icon.svg", "logo.svg"]) await put(name, await readFile(here(`shell/${name}`)));

const page = (await readFile(here("shell/index.html"), "utf8")).replace(/\{\{(.+?)\}\}/g, (_, name) => {
  if (!names[name]) throw new Error(`the page asks for ${name}, which was not built`);
  return names[name];
});
await writeFile(join(out, "index.html"), page);
await writeFile(join(out, "NOTICES.txt"), await notices(here("node_modules"), Object.keys(flex.metafile.inputs)));
const { version } = JSON.parse(await readFile(here("node_modules/@twilio/flex-ui/package.json"), "utf8"));
await writeFile(join(out, "manifest.json"), `${JSON.stringify({ flex_ui: version, files }, null, 1)}\n`);

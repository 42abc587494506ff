// Builds each page into the folder of the package that serves it.
import { build } from "esbuild";
import { copyFile, mkdir, rm } from "node:fs/promises";

const pages = [
  { name: "handset", out: "../../src/parlour/channels/sms/simulator/static", files: ["index.html", "icon.svg"] },
  { name: "flows", out: "../../src/parlour/studio/static", files: ["index.html", "icon.svg"] },
];

for (const page of pages) {
  const out = new URL(`${page.out}/`, import.meta.url);
  const source = new URL(`${page.name}/`, import.meta.url);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await build({
    entryPoints: [
      { in: new URL("main.tsx", source).pathname, out: page.name },
      { in: new URL(`${page.name}.css`, source).pathname, out: page.name },
    ],
    outdir: out.pathname,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "inline",
    logLevel: "info",
  });
  for (const file of page.files) {
    await copyFile(new URL(file, source), new URL(file, out));
  }
}

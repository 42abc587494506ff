// The licences of the packages that went into a bundle, from the packages themselves.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const TEXTS = /^(licen[cs]e|copying|notice|copyright)(\.|-|$)/i;
const RULE = "-".repeat(80);

// inputs: paths of the bundled files, relative to the folder above node_modules.
export async function notices(modules, inputs) {
  const folders = [...new Set(inputs.map(packageOf).filter(Boolean))].sort();
  const parts = [];
  for (const folder of folders) parts.push(await notice(join(modules, folder)));
  return [
    "The agent desktop contains the packages below, each under its own licence.\n",
    ...[...new Set(parts)].sort(),
  ].join(`\n${RULE}\n`);
}

function packageOf(input) {
  const inside = input.split("node_modules/");
  if (inside.length < 2) return null;
  const last = inside.pop().split("/");
  const name = last[0].startsWith("@") ? last.slice(0, 2).join("/") : last[0];
  return [...inside.slice(1), name].join("node_modules/");
}

async function notice(folder) {
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const names = (await readdir(folder)).filter((name) => TEXTS.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8").catch(() => "")));
  const licence = about.license?.type ?? about.license ?? about.licenses?.map((one) => one.type).join(" or ") ?? "";
  const text = texts.filter(Boolean).join("\n").trim() || "(the package brings no licence text; see its name above)";
  return `${about.name} ${about.version}: ${licence || "see below"}\n\n${text}\n`;
}

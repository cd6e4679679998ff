// Builds templates/static/vendor from the npm packages: `npm ci --ignore-scripts && npm run vendor`.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");
const target = join(here, "static", "vendor");

const ECHARTS = `
export { init, use, registerTheme, getInstanceByDom } from "echarts/core";
import { use } from "echarts/core";
import { BarChart, LineChart, PieChart, FunnelChart } from "echarts/charts";
import { AriaComponent, DataZoomComponent, DatasetComponent, GridComponent, LegendComponent, MarkLineComponent,
  MarkPointComponent, TitleComponent, TooltipComponent, TransformComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";
use([BarChart, LineChart, PieChart, FunnelChart, AriaComponent, DataZoomComponent, DatasetComponent, GridComponent,
  LegendComponent, MarkLineComponent, MarkPointComponent, TitleComponent, TooltipComponent, TransformComponent,
  CanvasRenderer]);
`;

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await Promise.all([htmx(), sortable(), echarts(), gridstack(), icons(), licences()]);
console.log("vendored:", (await readdir(target)).join(", "));

async function htmx() {
  const parts = ["htmx.min.js", "ext/hx-preload.min.js", "ext/hx-sse.min.js"];
  const sources = await Promise.all(parts.map((part) => readFile(join(modules, "htmx.org/dist", part), "utf8")));
  await writeFile(join(target, "htmx.js"), sources.map(withoutSourceMap).join("\n;\n"));
}

async function sortable() {
  await bundle({ entryPoints: [join(modules, "sortablejs/modular/sortable.esm.js")] }, "sortable.js");
}

async function echarts() {
  await bundle({ stdin: { contents: ECHARTS, resolveDir: here, loader: "js" } }, "echarts.js");
}

async function gridstack() {
  const source = await readFile(join(modules, "gridstack/dist/gridstack-all.js"), "utf8");
  await writeFile(join(target, "gridstack.js"), withoutSourceMap(source));
  await copyFile(join(modules, "gridstack/dist/gridstack.min.css"), join(target, "gridstack.css"));
}

// One sprite with the icons that templates/icons.txt names, one a line: <use href=".../icons.svg#name">.
async function icons() {
  const names = (await readFile(join(here, "icons.txt"), "utf8"))
    .split("\n").map((line) => line.replace(/#.*/, "").trim()).filter(Boolean);
  const symbols = await Promise.all([...new Set(names)].sort().map(symbol));
  await writeFile(join(target, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

async function symbol(name) {
  const folder = name.endsWith("-filled") ? "filled" : "outline";
  const file = join(modules, "@tabler/icons/icons", folder, `${name.replace(/-filled$/, "")}.svg`);
  const svg = await readFile(file, "utf8").catch(() => {
    throw new Error(`templates/icons.txt names "${name}", which is not among the Tabler icons`);
  });
  const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  const paint = folder === "filled" ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"';
  const body = inner.replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "").replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
}

async function licences() {
  const packages = ["htmx.org", "sortablejs", "echarts", "zrender", "tslib", "gridstack", "@tabler/icons"];
  const texts = await Promise.all(packages.map(licence));
  await writeFile(join(target, "LICENSES.txt"), texts.join("\n\n" + "-".repeat(78) + "\n\n"));
}

async function licence(name) {
  const folder = join(modules, name);
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile())
    .map((entry) => entry.name).filter((file) => /^(licen[cs]e|notice|copyright)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return `${name} ${about.version} (${about.license})\n\n${texts.join("\n\n").trim()}\n`;
}

function bundle(entry, name) {
  return build({ ...entry, outfile: join(target, name), bundle: true, minify: true, format: "esm", target: "es2022",
    legalComments: "none", logLevel: "warning" });
}

function withoutSourceMap(source) {
  return source.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "").trimEnd();
}

// A search to look at: `canter demo`, crawled to its end, and a browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { after, before } from "node:test";

import bundled from "@sparticuz/chromium";
import { chromium } from "playwright-core";

const ROOT = new URL("../../", import.meta.url).pathname;
const PROGRAM = resolve(ROOT, globalThis.process.env.CARGO_TARGET_DIR ?? "target", "debug/canter");
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Servers of other sites, which the search knows by their origins before they have anything to say. */
const guests = [];
const MOST_GUESTS = 20;

/** The search of the demo at `url`, and windows of one browser; both there for all tests of a file. */
export function stage() {
  const it = { url: "", window };
  let search;
  let opened;
  before(async () => {
    const silent = (_, answer) => answer.writeHead(404).end();
    for (let n = 0; n < MOST_GUESTS; n++) guests.push(await serve("/", silent));
    [search, opened] = await Promise.all([demo(), browser()]);
    it.url = search.url;
  }, { timeout: 120_000 });
  after(async () => {
    await opened?.close();
    await search?.end();
    for (const guest of guests.splice(0)) guest.end();
  });

  /** A new page in a window of its own until the test ends, which fails by errors on it. */
  async function window(context, options = {}) {
    const own = await opened.newContext({ viewport: { width: 1000, height: 800 }, ...options });
    const page = await own.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("dialog", (dialog) => (errors.push(`a dialog says ${dialog.message()}`), dialog.dismiss()));
    context.after(async () => {
      await own.close();
      assert.deepEqual(errors, []);
    });
    return { page, errors };
  }
  return it;
}

/** Serves the search of the demo: `url`, and `end`. */
async function demo() {
  // The browser's libraries are nothing to the program.
  const { LD_LIBRARY_PATH: _, ...env } = globalThis.process.env;
  const origins = guests.map(({ url }) => `--origin=${url}`);
  const words = ["demo", "--listen", "127.0.0.1:0", ...origins];
  const process = spawn(PROGRAM, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  process.on("error", (error) => console.error(`${PROGRAM}: ${error.message}; cargo build makes it`));
  let url;
  for await (const line of lines(process)) {
    url ??= /Search at (\S+)/.exec(line)?.[1];
    if (url && /sqlite-demo complete/.test(line)) break;
  }
  if (!url) throw new Error(`${PROGRAM} demo ended before its crawl did`);
  const end = async () => {
    process.kill("SIGKILL");
    if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
  };
  return { url, end };
}

/** What a program says, by either way. */
async function* lines(process) {
  const heard = [];
  let wake = () => {};
  let open = 2;
  for (const stream of [process.stdout, process.stderr]) {
    const reader = createInterface({ input: stream });
    reader.on("line", (line) => (heard.push(line), wake()));
    reader.on("close", () => (open--, wake()));
  }
  while (open > 0 || heard.length > 0) {
    if (heard.length > 0) yield heard.shift();
    else await new Promise((resolve) => (wake = resolve));
  }
}

/** A site of somebody else's, of one page. */
export async function site(html, headers = {}) {
  const guest = guests.shift();
  guest.answers((_, answer) => {
    answer.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers });
    answer.end(html);
  });
  return guest;
}

/** The same search below a path, as behind a proxy. */
export async function below(path, url) {
  return serve(path, (asked, answer) => {
    if (!asked.url.startsWith(path)) return answer.writeHead(404).end();
    const target = new URL(asked.url.slice(path.length - 1), url);
    const onward = request(target, { method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    asked.pipe(onward);
  });
}

async function serve(path, first) {
  const server = createServer(first);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const end = () => (server.closeAllConnections(), server.close());
  const answers = (next) => server.removeAllListeners("request").on("request", next);
  return { answers, end, url: `http://127.0.0.1:${server.address().port}${path}` };
}

// Its own are made for one page in one process. It asks nobody but the search.
const SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];

async function browser() {
  return chromium.launch({ executablePath: await bundled.executablePath(), args: SWITCHES });
}

/** What accessibility rules a page breaks: names, with the elements. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate((levels) => axe.run(document, { runOnly: levels }), LEVELS);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

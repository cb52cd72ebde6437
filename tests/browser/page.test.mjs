// The search page as a person meets it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { below, stage, violations } from "./search.mjs";

const search = stage();

/** A new page at an address of the search. */
async function open(context, path = "", options = {}, url = search.url) {
  const { page } = await search.window(context, options);
  await page.goto(new URL(path, url).href);
  return page;
}

const focused = (page) =>
  page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

/** Types into the field that is focused when a page begins, which may be a moment after it is there. */
async function type(page, text) {
  await page.waitForFunction(() => document.activeElement.id === "q");
  await page.keyboard.type(text, { delay: 10 });
}

const results = (page) => page.locator(".results > li");
const titled = (page, text) =>
  page.waitForFunction((text) => document.title.startsWith(`${text} –`), text);

test("it answers while a person types", async (context) => {
  const page = await open(context);
  await type(page, "foreign keys");
  await titled(page, "foreign keys");
  assert.equal(await results(page).count(), 10);
  assert.match((await results(page).allTextContents()).join("\n"), /Foreign Key Support/);
  assert.equal(page.url(), `${search.url}?q=foreign+keys`);
  assert.equal(await focused(page), "q");
  assert.equal(await page.locator("#q").count(), 1);
  assert.match(await page.locator("[role=status].unseen").textContent(), /results for .foreign keys/);
  // Where the answer is as it would have been by the form.
  const typed = await results(page).allTextContents();
  await page.reload();
  assert.deepEqual(await results(page).allTextContents(), typed);
});

test("an answer that is late does not take the place of a newer one", async (context) => {
  const page = await open(context);
  await page.route(/q=slow/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 600));
    await route.continue().catch(() => {});
  });
  await type(page, "slow");
  await page.waitForRequest(/q=slow/);
  await page.fill("#q", "vacuum");
  await titled(page, "vacuum");
  await page.waitForTimeout(900);
  assert.equal(await page.title(), "vacuum – canter");
});

test("a name leads to its place at once", async (context) => {
  const page = await open(context);
  await type(page, "group_c");
  await page.locator(".names a").filter({ hasText: "group_concat" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/lang_aggfunc\.html#group_concat$/);
});

test("filters stay while a person types", async (context) => {
  const page = await open(context, "?q=index&path=/lang");
  await page.fill("#q", "vacuum");
  await titled(page, "vacuum");
  assert.match(page.url(), /path=%2Flang/);
  assert.match(await results(page).first().textContent(), /VACUUM/);
});

test("keys lead through the results", async (context) => {
  const page = await open(context, "?q=write-ahead+log");
  await page.keyboard.press("/");
  assert.equal(await focused(page), "q");
  await page.keyboard.press("ArrowDown");
  const first = await page.locator(".names a").first().textContent();
  assert.match(first, /Write-Ahead Log/);
  assert.equal(await focused(page), first);
  for (let names = await page.locator(".names a").count(); names > 0; names--) await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), await page.locator(".results h2 a").first().textContent());
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), await page.locator(".sections a").first().textContent());
  await page.keyboard.press("Escape");
  await page.keyboard.press("ArrowDown");
  assert.equal(await focused(page), first);
  await page.keyboard.press("ArrowUp");
  assert.equal(await focused(page), "q");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), "q");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.title === "canter");
  assert.equal(page.url(), search.url);
  assert.equal(await results(page).count(), 0);
});

test("enter leads to the result", async (context) => {
  const page = await open(context, "?q=vacuum");
  await page.locator("#q").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/vacuum\.html/);
});

test("what finds nothing, and what is no search, is told", async (context) => {
  const page = await open(context);
  await type(page, "qwertzuiop");
  await titled(page, "qwertzuiop");
  assert.match(await page.locator("main h1").textContent(), /Nothing found for .qwertzuiop/);
  await page.route("**/*", (route) => route.abort());
  await page.fill("#q", "vacuum");
  await page.waitForFunction(() =>
    document.querySelector("[role=status].unseen").textContent.includes("no answer"));
});

test("it works without scripts", async (context) => {
  const page = await open(context, "", { javaScriptEnabled: false });
  await page.fill("#q", "vacuum");
  await page.locator(".search button").click();
  await page.waitForURL(/\?q=vacuum/);
  assert.match(await results(page).first().textContent(), /VACUUM/);
});

test("it works below a path", async (context) => {
  const inner = await below("/docs/search/", search.url);
  context.after(inner.end);
  const page = await open(context, "", {}, inner.url);
  await type(page, "vacuum");
  await titled(page, "vacuum");
  assert.equal(page.url(), `${inner.url}?q=vacuum`);
  await page.locator("a[rel=next]").click();
  assert.match(page.url(), /\/docs\/search\/\?q=vacuum&offset=10$/);
});

test("markup in a search is text", async (context) => {
  const page = await open(context);
  const markup = `<img src=x onerror=alert(1)><script>alert(2)</script>"'><b>`;
  await page.fill("#q", markup);
  await titled(page, markup);
  assert.equal(await page.locator("main img, main script, main b").count(), 0);
  assert.ok((await page.locator("main").textContent()).includes("<img src=x"));
});

for (const scheme of ["light", "dark"]) {
  for (const [name, width] of [["a desk", 1000], ["a phone", 320]]) {
    test(`accessible, ${scheme}, on ${name}`, async (context) => {
      const page = await open(context, "", { colorScheme: scheme, viewport: { width, height: 640 } });
      for (const path of ["", "?q=vacuum", "?q=vacuum&offset=10&path=/", "?q=qwertzuiop", "?q=a&limit=0"]) {
        await page.goto(new URL(path, search.url).href);
        assert.deepEqual(await violations(page), [], path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${path} is ${wide} pixels wide`);
      }
    });
  }
}

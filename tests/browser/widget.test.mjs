// The search as a part of another site's page.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { site, stage, violations } from "./search.mjs";

// Of the site: it would show everywhere, were it not kept out.
const STYLE = "* { letter-spacing: 9px } dialog { display: none !important }";

const search = stage();

/** A page of another site with the widget. */
async function open(context, attributes = "", options = {}) {
  const html = `<!doctype html><html lang="en"><head><title>Docs</title>
    <style>${STYLE}</style>
    <script src="${search.url}widget.js" ${attributes} defer></script></head>
    <body><main><h1>Docs</h1><p id="here"></p><label>Name <input id="own"></label></main></body></html>`;
  // What a strict site has to allow: the widget's address, and nothing of its style.
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; script-src ${search.url}; connect-src ${search.url}`;
  const served = await site(html, { "content-security-policy": policy });
  context.after(served.end);
  const { page, errors } = await search.window(context, options);
  // What the policy forbids is said there; an icon is asked for by the browser itself.
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("favicon")) errors.push(message.text());
  });
  await page.goto(served.url);
  return page;
}

const links = (page) => page.locator("canter-search ol a");
const names = (page) => page.locator("canter-search .names a");

test("a key opens it, and it answers while a person types", async (context) => {
  const page = await open(context);
  await page.keyboard.press("/");
  await page.keyboard.type("vacuum");
  await links(page).first().waitFor();
  assert.ok((await links(page).allTextContents()).includes("VACUUM"));
  assert.match(await page.locator("canter-search [role=status]").textContent(), /^\d+ results$/);
  assert.ok((await page.locator("canter-search mark").count()) > 0);
  const more = page.locator("canter-search footer a");
  assert.equal(await more.getAttribute("href"), `${search.url}?q=vacuum`);
  assert.match(await names(page).first().textContent(), /^VACUUM$/);
  const first = await names(page).first().getAttribute("href");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(first);
});

test("a key that is typed into the site's own field is its own", async (context) => {
  const page = await open(context);
  await page.locator("#own").focus();
  await page.keyboard.type("a/b");
  assert.equal(await page.inputValue("#own"), "a/b");
  assert.equal(await page.locator("canter-search dialog[open]").count(), 0);
  await page.keyboard.press("Control+k");
  assert.equal(await page.locator("canter-search dialog[open]").count(), 1);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("canter-search dialog[open]").count(), 0);
});

test("its button goes where the site wants it, and it searches there only", async (context) => {
  const page = await open(context, `data-into="#here" data-title="Find" data-path="/lang"`);
  const button = page.locator("#here canter-search button").first();
  assert.match(await button.textContent(), /^Find/);
  await button.click();
  await page.keyboard.type("index");
  await links(page).first().waitFor();
  for (const link of await page.locator("canter-search ol > li > a").all()) {
    assert.match(new URL(await link.getAttribute("href")).pathname, /^\/lang/);
  }
});

test("the site's style does not reach it, nor its own the site's", async (context) => {
  const page = await open(context);
  await page.keyboard.press("/");
  assert.ok(await page.locator("canter-search dialog").isVisible());
  const spacing = (where) => page.locator(where).evaluate((it) => getComputedStyle(it).letterSpacing);
  assert.equal(await spacing("h1"), "9px");
  assert.equal(await spacing("canter-search dialog"), "normal");
  assert.equal(await page.locator("h1").evaluate((it) => getComputedStyle(it).fontSize), "32px");
});

test("what goes wrong is told", async (context) => {
  const page = await open(context);
  await page.keyboard.press("/");
  await page.keyboard.type("qwertzuiop");
  const told = page.locator("canter-search [role=status]");
  await told.filter({ hasText: "Nothing found." }).waitFor();
  await page.route("**/api/**", (route) => route.fulfill({ status: 503, json: { detail: "The index rests." } }));
  // What Chromium says of that answer is no error of the page's.
  page.removeAllListeners("console");
  await page.keyboard.type("1");
  await told.filter({ hasText: "The index rests." }).waitFor();
});

test("what an answer holds is text", async (context) => {
  const page = await open(context);
  const found = {
    total: { value: 2 },
    results: [
      { url: "https://docs.test/", title: "<img src=x>", snippet: "a <mark>b</mark> <img src=x onerror=alert(1)> &amp;", sections: [] },
      { url: "javascript:alert(2)", title: "Odd", snippet: "", sections: [] },
    ],
    suggestions: [
      { text: "<b>bold</b>", url: "https://docs.test/#b" },
      { text: "odd", url: "javascript:alert(3)" },
    ],
  };
  await page.route("**/api/**", (route) => route.fulfill({ json: found, headers: { "access-control-allow-origin": "*" } }));
  await page.keyboard.press("/");
  await page.keyboard.type("a");
  await links(page).first().waitFor();
  assert.deepEqual(await links(page).allTextContents(), ["<img src=x>"]);
  assert.deepEqual(await names(page).allTextContents(), ["<b>bold</b>"]);
  assert.equal(await page.locator("canter-search small").innerHTML(), "a <mark>b</mark>  &amp;");
});

for (const scheme of ["light", "dark"]) {
  for (const width of [1000, 320]) {
    test(`accessible, ${scheme}, ${width} pixels wide`, async (context) => {
      const page = await open(context, "", { colorScheme: scheme, viewport: { width, height: 640 }, bypassCSP: true });
      await page.keyboard.press("/");
      await page.keyboard.type("vacuum");
      await links(page).first().waitFor();
      const broken = await violations(page);
      assert.deepEqual(broken, []);
      const box = await page.locator("canter-search dialog").boundingBox();
      assert.ok(box.x >= 0 && box.x + box.width <= width, JSON.stringify(box));
    });
  }
}

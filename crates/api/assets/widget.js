// Adds the search to a site of one's own, by one line:
//
//   <script src="https://search.example.org/widget.js" defer></script>
//
// data-into="CSS selector"   where the button goes; else it stays in a corner of the window
// data-site, data-lang, data-path   search only there
// data-title="Search"        what the button says
//
// It lives in a shadow tree, so that neither the site's style nor its own reaches the other.
"use strict";

(() => {
  const script = document.currentScript;
  const options = script.dataset;
  const search = new URL("./", script.src);
  const PAUSE_MS = 120;
  const LIMIT = 6;

  const STYLE = `
    :host { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
      --paper: light-dark(#fff, #1c2324); --ink: light-dark(#1d2321, #e6eae8); --quiet: light-dark(#5b6663, #9daaa6);
      --line: light-dark(#dfe3e0, #2e3838); --field: light-dark(#7d8a86, #74827e); --accent: light-dark(#0b6b5d, #5ccdb6);
      --link: light-dark(#14508c, #8ec2ff); --mark: light-dark(#ffe9a8, #5a4a12); }
    * { box-sizing: border-box; }
    button, dialog { letter-spacing: normal; word-spacing: normal; text-align: start; text-indent: 0; text-transform: none; }
    button { font: inherit; color: var(--ink); background: var(--paper); border: 1px solid var(--field);
      border-radius: 0.6rem; padding: 0.4rem 0.9rem; cursor: pointer; }
    kbd { font: inherit; font-size: 0.8em; color: var(--quiet); border: 1px solid var(--line); border-radius: 0.3em;
      padding: 0 0.4em; margin-inline-start: 0.6em; }
    .corner { position: fixed; inset-block-end: 1rem; inset-inline-end: 1rem; z-index: 2147483000; }
    dialog { width: min(42rem, calc(100vw - 1.5rem)); max-height: 80vh; margin-block-start: 10vh; padding: 0;
      color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 0.8rem;
      box-shadow: 0 12px 48px rgb(0 0 0 / 35%); overflow-wrap: anywhere; }
    dialog::backdrop { background: rgb(0 0 0 / 45%); }
    form { display: flex; gap: 0.5rem; padding: 0.75rem; position: sticky; top: 0; background: var(--paper);
      border-block-end: 1px solid var(--line); }
    input { flex: 1; min-width: 0; font: inherit; color: inherit; background: transparent; padding: 0.5rem 0.75rem;
      border: 1px solid var(--field); border-radius: 0.5rem; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 1px; }
    p { margin: 0; padding: 0.75rem 1rem; color: var(--quiet); }
    ol, ul { margin: 0; padding: 0; list-style: none; }
    ol > li { padding: 0.6rem 1rem; border-block-end: 1px solid var(--line); }
    ul { margin-block-start: 0.3rem; padding-inline-start: 0.8rem; border-inline-start: 3px solid var(--line); }
    .names { display: flex; flex-wrap: wrap; gap: 0.4rem 0.6rem; margin: 0; padding-inline: 1rem; border: 0; }
    .names li { padding-block-end: 0.4rem; }
    a { color: var(--link); font-weight: 600; text-decoration: none; }
    a:hover { text-decoration: underline; }
    ul a { font-weight: 500; }
    small { display: block; color: var(--quiet); font-size: 0.85rem; }
    mark { color: light-dark(#1d2321, #fff3cd); background: var(--mark); border-radius: 0.2em; }
    footer { padding: 0.6rem 1rem; font-size: 0.85rem; }
  `;

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // A snippet is HTML; of it only text and marks are taken over.
  function marked(snippet) {
    const body = new DOMParser().parseFromString(snippet, "text/html").body;
    return [...body.childNodes].map((node) =>
      node.nodeName === "MARK" ? element("mark", {}, node.textContent) : node.textContent);
  }

  const title = options.title ?? "Search";
  const host = element("canter-search");
  const root = host.attachShadow({ mode: "open" });
  const field = element("input", {
    type: "search", name: "q", maxlength: "500", "aria-label": title, autocomplete: "off",
    autocapitalize: "none", spellcheck: "false", placeholder: "Words or code names", enterkeyhint: "search",
  });
  const close = element("button", { type: "button" }, "Close");
  const form = element("form", { role: "search", action: search.href, method: "get" }, field, close);
  const told = element("p", { role: "status" });
  const names = element("ul", { class: "names", "aria-label": "Names that begin so" });
  const results = element("ol");
  const more = element("footer");
  const dialog = element("dialog", { "aria-label": title }, form, told, names, results, more);
  const button = element("button", { type: "button", "aria-haspopup": "dialog", "aria-keyshortcuts": "/" },
    title, element("kbd", { "aria-hidden": "true" }, "/"));
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  // Not an element: a site's policy may allow none.
  root.adoptedStyleSheets = [sheet];
  root.append(button, dialog);

  for (const [parameter, value] of [["site", options.site], ["lang", options.lang], ["path", options.path]]) {
    if (value) form.append(element("input", { type: "hidden", name: parameter, value }));
  }

  let timer = 0;
  let asking = null;

  async function answer() {
    asking?.abort();
    const text = field.value.trim();
    if (!text) return show("", []);
    const { signal } = (asking = new AbortController());
    const words = new URLSearchParams(new FormData(form));
    const url = new URL(`api/v1/search?${words}&limit=${LIMIT}`, search);
    try {
      const [response, begin] = await Promise.all([fetch(url, { signal, credentials: "omit" }), beginning(words, signal)]);
      const found = await response.json();
      if (!response.ok) return show(found.detail ?? "This search cannot be done.", []);
      const all = found.total.value;
      const meant = found.suggestion ? ` for “${found.suggestion}”` : "";
      show(all ? `${all} result${all === 1 ? "" : "s"}${meant}` : "Nothing found.", found.results, begin);
      if (all > found.results.length) {
        more.append(element("a", { href: new URL(`?${words}`, search).href }, "All results"));
      }
    } catch (error) {
      if (error.name !== "AbortError") show("The search does not answer.", []);
    }
  }

  // Names that begin like what was typed; without them the results are still an answer.
  async function beginning(words, signal) {
    const url = new URL(`api/v1/suggest?${words}&limit=${LIMIT}`, search);
    try {
      const response = await fetch(url, { signal, credentials: "omit" });
      return (await response.json()).suggestions ?? [];
    } catch {
      return [];
    }
  }

  function show(text, found, begin = []) {
    told.textContent = text;
    more.replaceChildren();
    const begun = begin.filter((name) => /^https?:/.test(name.url));
    names.replaceChildren(...begun.map((name) => element("li", {}, element("a", { href: name.url }, name.text))));
    const pages = found.filter((page) => /^https?:/.test(page.url));
    results.replaceChildren(...pages.map((page) => {
      const sections = page.sections.map((section) =>
        element("li", {}, element("a", { href: section.url }, section.title)));
      return element("li", {},
        element("a", { href: page.url }, page.title),
        element("small", {}, ...marked(page.snippet)),
        ...(sections.length ? [element("ul", {}, ...sections)] : []));
    }));
  }

  function open() {
    dialog.showModal();
    field.focus();
    field.select();
  }

  button.addEventListener("click", open);
  close.addEventListener("click", () => dialog.close());
  // Beside it, or on a link, which may lead to another part of this page.
  dialog.addEventListener("click", (event) => (event.target === dialog || event.target.closest("a")) && dialog.close());
  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(answer, PAUSE_MS);
  });
  field.addEventListener("compositionend", answer);

  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.isComposing) return;
    const stops = [field, ...names.querySelectorAll("a"), ...results.querySelectorAll("a"), ...more.querySelectorAll("a")];
    stops[stops.indexOf(root.activeElement) + by]?.focus();
    event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.composedPath()[0];
    const inField = typing.isContentEditable || /^(input|textarea|select)$/i.test(typing.nodeName);
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !inField;
    const k = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (dialog.open || !(slash || k)) return;
    event.preventDefault();
    open();
  });

  const place = options.into && document.querySelector(options.into);
  if (!place) button.className = "corner";
  (place ?? document.body).append(host);
})();
